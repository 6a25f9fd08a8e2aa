import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type AnyDatabase, keyed, WHOLE } from './dialect.ts';

/**
 * Changes that go in waves. While one is under way, what a host is to have is not in `specs` alone. A release that does not
 * know that would have every host go back, so it is refused the database as long as any name is held: it finds the name of a
 * migration that it does not know (see controller/store/sqlite/migrate.ts).
 */
async function up(db: AnyDatabase): Promise<void> {
  await createRollouts(db);
  await createParts(db);
  await createHolds(db);
  await db.schema.alterTable('audit').addColumn('rollout', 'text').execute();
  await db.schema.createIndex('audit_rollout').on('audit').column('rollout').execute();
}

async function createRollouts(db: AnyDatabase): Promise<void> {
  await keyed(
    db.schema
      .createTable('rollouts')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('step', 'text')
      .addColumn('wave', WHOLE, (column) => column.notNull())
      .addColumn('version', WHOLE, (column) => column.notNull())
      .addColumn('progress', 'text', (column) => column.notNull())
      .addColumn('plan', 'text', (column) => column.notNull())
      .addColumn('plan_hash', 'text', (column) => column.notNull())
      .addColumn('epoch', 'text', (column) => column.notNull())
      .addColumn('started_ms', WHOLE, (column) => column.notNull())
      .addColumn('changed_ms', WHOLE, (column) => column.notNull())
      .addColumn('ended_ms', WHOLE)
      .addColumn('actor', 'text')
      .addColumn('sources', 'text')
      .addColumn('reason', 'text')
      .addColumn('checksum', 'text'),
  ).execute();
  await db.schema.createIndex('rollouts_ended').on('rollouts').columns(['ended_ms', 'id']).execute();
}

/** What each is about, whom it is for, and what it was judged by. */
async function createParts(db: AnyDatabase): Promise<void> {
  await keyed(
    db.schema
      .createTable('rollout_specs')
      .addColumn('rollout', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('before', 'text')
      .addColumn('after', 'text')
      .addColumn('before_key', 'text')
      .addColumn('after_key', 'text')
      .addColumn('claim', 'text')
      .addColumn('checksum', 'text')
      .addPrimaryKeyConstraint('rollout_specs_primary', ['rollout', 'name']),
  ).execute();
  await db.schema.createIndex('rollout_specs_name').on('rollout_specs').column('name').execute();
  await db.schema.createIndex('rollout_specs_key').on('rollout_specs').columns(['after_key', 'rollout']).execute();
  await keyed(
    db.schema
      .createTable('rollout_hosts')
      .addColumn('rollout', 'text', (column) => column.notNull())
      .addColumn('host', 'text', (column) => column.notNull())
      .addColumn('place', WHOLE, (column) => column.notNull())
      .addColumn('wave', WHOLE, (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('rev', WHOLE, (column) => column.notNull())
      .addColumn('baseline', 'text', (column) => column.notNull())
      .addColumn('checksum', 'text')
      .addPrimaryKeyConstraint('rollout_hosts_primary', ['rollout', 'host']),
  ).execute();
  await keyed(
    db.schema
      .createTable('rollout_evidence')
      .addColumn('rollout', 'text', (column) => column.notNull())
      .addColumn('number', WHOLE, (column) => column.notNull())
      .addColumn('at_ms', WHOLE, (column) => column.notNull())
      .addColumn('what', 'text', (column) => column.notNull())
      .addColumn('wave', WHOLE, (column) => column.notNull())
      .addColumn('detail', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('rollout_evidence_primary', ['rollout', 'number']),
  ).execute();
}

/** What those that are under way hold: no two of them the same. */
async function createHolds(db: AnyDatabase): Promise<void> {
  for (const [table, column] of [
    ['rollout_names', 'name'],
    ['rollout_keys', 'key'],
  ] as const) {
    await keyed(
      db.schema
        .createTable(table)
        .addColumn(column, 'text', (of) => of.primaryKey().notNull())
        .addColumn('rollout', 'text', (of) => of.notNull()),
    ).execute();
    await db.schema.createIndex(`${table}_rollout`).on(table).column('rollout').execute();
  }
  await sql`create trigger rollout_begun after insert on rollout_names
    begin insert or ignore into kysely_migration (name, timestamp) values ('9999_rollout_under_way', '1970-01-01T00:00:00.000Z'); end`.execute(
    db,
  );
  await sql`create trigger rollout_ended after delete on rollout_names when not exists (select 1 from rollout_names)
    begin delete from kysely_migration where name = '9999_rollout_under_way'; end`.execute(db);
}

export const rollouts: Migration = { up };
