import type { Migration } from 'kysely/migration';
import type { AnyDatabase } from './dialect.ts';
import { keyed, numbered, WHOLE } from './dialect.ts';

async function up(db: AnyDatabase): Promise<void> {
  await createSpecs(db);
  await createLog(db);
  await createDesk(db);
}

/** What operators want and which hosts there are. */
async function createSpecs(db: AnyDatabase): Promise<void> {
  await keyed(
    db.schema
      .createTable('specs')
      .addColumn('name', 'text', (column) => column.primaryKey().notNull())
      .addColumn('key', 'text', (column) => column.notNull())
      .addColumn('hosts', 'text', (column) => column.notNull())
      .addColumn('enabled', WHOLE, (column) => column.notNull())
      .addColumn('priority', WHOLE, (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .addColumn('spec', 'text', (column) => column.notNull()),
  ).execute();
  await db.schema.createIndex('specs_key').on('specs').column('key').execute();
  await keyed(
    db.schema
      .createTable('hosts')
      .addColumn('host', 'text', (column) => column.primaryKey().notNull())
      .addColumn('labels', 'text', (column) => column.notNull())
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('seen_at_ms', WHOLE, (column) => column.notNull()),
  ).execute();
}

/** What each host is told, and in which order. */
async function createLog(db: AnyDatabase): Promise<void> {
  await keyed(
    db.schema
      .createTable('changes')
      .addColumn('host', 'text', (column) => column.notNull())
      .addColumn('key', 'text', (column) => column.notNull())
      .addColumn('rev', WHOLE, (column) => column.notNull())
      .addColumn('op', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .addColumn('at_ms', WHOLE, (column) => column.notNull())
      .addPrimaryKeyConstraint('changes_primary', ['host', 'key']),
  ).execute();
  await db.schema.createIndex('changes_host_rev').on('changes').columns(['host', 'rev']).execute();
  await db.schema.createIndex('changes_key').on('changes').column('key').execute();
  await keyed(
    db.schema
      .createTable('heads')
      .addColumn('host', 'text', (column) => column.primaryKey().notNull())
      .addColumn('rev', WHOLE, (column) => column.notNull())
      .addColumn('floor', WHOLE, (column) => column.notNull())
      .addColumn('digest', 'text', (column) => column.notNull()),
  ).execute();
  await db.schema.createIndex('heads_rev').on('heads').column('rev').execute();
  await keyed(
    db.schema
      .createTable('epochs')
      .addColumn('epoch', 'text', (column) => column.primaryKey().notNull())
      .addColumn('ordinal', WHOLE, (column) => column.notNull().unique())
      .addColumn('first_rev', WHOLE, (column) => column.notNull())
      .addColumn('superseded', WHOLE, (column) => column.notNull()),
  ).execute();
  await numbered(
    db.schema
      .createTable('meta')
      .addColumn('id', WHOLE, (column) => column.primaryKey().notNull())
      .addColumn('database_id', 'text', (column) => column.notNull())
      .addColumn('last_rev', WHOLE, (column) => column.notNull()),
  ).execute();
}

/** What lies on the controller's own desk: uploads under way, and who did what. */
async function createDesk(db: AnyDatabase): Promise<void> {
  await keyed(
    db.schema
      .createTable('upload_parts')
      .addColumn('upload', 'text', (column) => column.notNull())
      .addColumn('part', WHOLE, (column) => column.notNull())
      .addColumn('parts', WHOLE, (column) => column.notNull())
      .addColumn('specs', 'text', (column) => column.notNull())
      .addColumn('at_ms', WHOLE, (column) => column.notNull())
      .addPrimaryKeyConstraint('upload_parts_primary', ['upload', 'part']),
  ).execute();
  await numbered(
    db.schema
      .createTable('audit')
      .addColumn('id', WHOLE, (column) => column.primaryKey().notNull())
      .addColumn('at_ms', WHOLE, (column) => column.notNull())
      .addColumn('verb', 'text', (column) => column.notNull())
      .addColumn('detail', 'text', (column) => column.notNull()),
  ).execute();
}

export const start: Migration = { up };
