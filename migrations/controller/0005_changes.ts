import type { Migration } from 'kysely/migration';
import { type AnyDatabase, keyed, WHOLE } from './dialect.ts';

const WORDS = ['change', 'actor', 'sources', 'reason'] as const;
const NUMBERS = ['first_rev', 'last_rev', 'hosts', 'names'] as const;

/**
 * The audit says of each change who made it, from where and why, which hosts got it with which revision of their own, and
 * which names it was about; and what a host was told to delete, until it confirms that. A release before this one goes on
 * writing its own columns, and its rows have none of these.
 */
async function up(db: AnyDatabase): Promise<void> {
  for (const name of WORDS) await db.schema.alterTable('audit').addColumn(name, 'text').execute();
  for (const name of NUMBERS) await db.schema.alterTable('audit').addColumn(name, WHOLE).execute();
  await db.schema.createIndex('audit_change').on('audit').column('change').unique().execute();
  await keyed(
    db.schema
      .createTable('audit_hosts')
      .addColumn('audit', WHOLE, (column) => column.notNull())
      .addColumn('host', 'text', (column) => column.notNull())
      .addColumn('rev', WHOLE, (column) => column.notNull())
      .addPrimaryKeyConstraint('audit_hosts_primary', ['audit', 'host']),
  ).execute();
  await keyed(
    db.schema
      .createTable('audit_names')
      .addColumn('audit', WHOLE, (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('key', 'text', (column) => column.notNull())
      .addColumn('what', 'text', (column) => column.notNull())
      .addColumn('hosts', WHOLE, (column) => column.notNull())
      .addPrimaryKeyConstraint('audit_names_primary', ['audit', 'name']),
  ).execute();
  await db.schema.createIndex('audit_names_name').on('audit_names').column('name').execute();
  await keyed(
    db.schema
      .createTable('deletions')
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('host', 'text', (column) => column.notNull())
      .addColumn('rev', WHOLE, (column) => column.notNull())
      .addColumn('audit', WHOLE, (column) => column.notNull())
      .addPrimaryKeyConstraint('deletions_primary', ['name', 'host']),
  ).execute();
  await db.schema.createIndex('deletions_host').on('deletions').columns(['host', 'rev']).execute();
}

export const changes: Migration = { up };
