import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * What the brake goes by, and the changes that it withholds with what stands meanwhile. `seq` is that of the commit that wrote the
 * row last: an agent of a release before it commits without, and then the rest is out of date. Each checksum covers the rest of its
 * row.
 */
export const brake: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table if not exists brake (
      id integer primary key check (id = 1),
      seq integer not null,
      since_ms integer,
      steps text not null,
      permit integer not null,
      checksum text not null
    ) strict`.execute(db);
    await sql`create table if not exists withheld (
      key text primary key,
      rev integer not null,
      last_rev integer not null,
      last_body text not null,
      checksum text not null
    ) strict, without rowid`.execute(db);
  },
};
