import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Up to where changes are confirmed; those that nobody has confirmed yet, with the value that comes back; and which
 * moment it was last. Times are milliseconds of a boot, the checksum covers the rest of the row.
 */
export const unconfirmed: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table if not exists confirmed (
      id integer primary key check (id = 1),
      epoch text not null,
      rev integer not null,
      checksum text not null
    ) strict`.execute(db);
    await sql`create table if not exists unconfirmed (
      key text primary key,
      rev integer not null,
      op text not null,
      name text not null,
      within_ms integer not null,
      previous_rev integer,
      previous_body text,
      asleep integer not null,
      replaced text,
      state text not null,
      deadline_ms integer,
      checksum text not null
    ) strict, without rowid`.execute(db);
    await sql`create table if not exists boot_time (
      id integer primary key check (id = 1),
      boot text not null,
      ms integer not null,
      checksum text not null
    ) strict`.execute(db);
  },
};
