import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What silence is judged by, of keys for which there is something to know; times are jiffies64, the checksum covers the rest of the row. */
export const silence: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table if not exists silence (
      key text primary key,
      armed integer,
      packets text,
      bytes text,
      seen integer,
      checksum text not null
    ) strict, without rowid`.execute(db);
  },
};
