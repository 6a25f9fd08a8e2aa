import type { Migration } from 'kysely/migration';
import { type AnyDatabase, keyed, WHOLE } from './dialect.ts';

/**
 * Up to which rev the changes of a host are confirmed, and may remove what they do. `moved` counts over all hosts, so that each
 * controller finds what others raised. A release that knows no marks sends none, and raises none.
 */
async function up(db: AnyDatabase): Promise<void> {
  await keyed(
    db.schema
      .createTable('marks')
      .addColumn('host', 'text', (column) => column.primaryKey().notNull())
      .addColumn('confirmed', WHOLE, (column) => column.notNull())
      .addColumn('permit', WHOLE, (column) => column.notNull())
      .addColumn('moved', WHOLE, (column) => column.notNull())
      .addColumn('checksum', 'text'),
  ).execute();
  await db.schema.createIndex('marks_moved').on('marks').column('moved').execute();
}

export const marks: Migration = { up };
