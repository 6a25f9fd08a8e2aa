import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type AnyDatabase, keyed } from './dialect.ts';

/**
 * Which set a redirect is in. A release that knows no sets goes on: what it changes stays in its set, and what it deletes, which
 * it says by blanking the checksum first, leaves it. Rows that are only written anew are not deleted so.
 */
async function up(db: AnyDatabase): Promise<void> {
  await keyed(
    db.schema
      .createTable('sets')
      .addColumn('name', 'text', (column) => column.primaryKey().notNull())
      .addColumn('set_name', 'text', (column) => column.notNull())
      .addColumn('checksum', 'text'),
  ).execute();
  await db.schema.createIndex('sets_set_name').on('sets').columns(['set_name', 'name']).execute();
  await sql`create trigger sets_deleted after delete on specs when old.checksum = ''
    begin delete from sets where name = old.name; end`.execute(db);
}

export const sets: Migration = { up };
