import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The agent's first tables; times are ms since 1970, each checksum covers the rest of its row. */
export const start: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table cursor (
      id integer primary key check (id = 1),
      host text not null,
      epoch text not null,
      rev integer not null,
      digest text not null,
      seq integer not null,
      checksum text not null
    ) strict`.execute(db);
    // The checksum is the element digest (protocol/digest.ts), so their sum is the digest of the set.
    await sql`create table intents (
      key text primary key,
      rev integer not null,
      body text not null,
      checksum text not null
    ) strict, without rowid`.execute(db);
    await sql`create table entries (
      key text primary key,
      slot integer,
      rev integer not null,
      state text not null,
      code text,
      errno text,
      since_ms integer not null,
      installed_at_ms integer,
      retry_at_ms integer,
      checksum text not null
    ) strict, without rowid`.execute(db);
    await sql`create table events (
      id integer primary key,
      key text,
      at_ms integer not null,
      kind text not null,
      body text not null
    ) strict`.execute(db);
    await sql`create index events_by_key on events (key, id)`.execute(db);
  },
};
