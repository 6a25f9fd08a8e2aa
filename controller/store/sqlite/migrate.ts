import type BetterSqlite3 from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { StoreError } from '../../model/store-error.ts';
import { mendNames, namesIn } from './migration-names.ts';

type Named = Readonly<Record<string, Migration>>;

/** By name, oldest first; see migrations/controller/index.ts. */
export interface Migrations {
  readonly tables: Named;
  readonly additions: Named;
}

/** Where the names of additions are kept: releases before the first of them look into `kysely_migration` only. */
const ADDITIONS = { migrationTableName: 'shunt_addition', migrationLockTableName: 'shunt_addition_lock' };

/** A migration that no release has: while a rollout is under way, one that knows no rollouts is refused the database. */
const UNDER_WAY = '9999_rollout_under_way';

/** Marks the file as a controller's: "SHcl". Another program's database is not touched. */
export const APPLICATION_ID = 0x5348636c;

/**
 * Makes or moves the tables in one transaction: a crash leaves the old ones, and of two controllers that start at once
 * one waits for the other. Kysely itself neither locks SQLite nor migrates it in a transaction.
 */
export async function migrate(database: BetterSqlite3.Database, path: string, migrations: Migrations): Promise<void> {
  database.exec('begin immediate');
  try {
    mend(database, migrations);
    unmark(database);
    requireNotNewer(database, path, migrations.tables);
    database.pragma(`application_id = ${APPLICATION_ID}`);
    const db = new Kysely({ dialect: new SqliteDialect({ database }) });
    await bringUp(db, migrations.tables, {});
    await bringUp(db, unlessNewer(database, migrations.additions), ADDITIONS);
    mark(database);
    if (versionOf(database) < countOf(migrations)) database.pragma(`user_version = ${countOf(migrations)}`);
    database.exec('commit');
  } finally {
    if (database.inTransaction) database.exec('rollback');
  }
}

/** How many migrations there were when the last of them was run. Releases before this one wrote no number. */
function versionOf(database: BetterSqlite3.Database): number {
  return database.pragma('user_version', { simple: true }) as number;
}

function countOf({ tables, additions }: Migrations): number {
  return Object.keys(tables).length + Object.keys(additions).length;
}

/** Where the number is ours, all of ours were run, whatever their names look like, and none of a newer release. */
function mend(database: BetterSqlite3.Database, migrations: Migrations): void {
  if (versionOf(database) !== countOf(migrations)) return;
  mendNames(database, 'kysely_migration', Object.keys(migrations.tables));
  mendNames(database, ADDITIONS.migrationTableName, Object.keys(migrations.additions));
}

/** Kysely would look for that migration. */
function unmark(database: BetterSqlite3.Database): void {
  if (!namesIn(database, 'kysely_migration').includes(UNDER_WAY)) return;
  database.prepare('delete from kysely_migration where name = ?').run(UNDER_WAY);
}

/** As the triggers of the table do. */
function mark(database: BetterSqlite3.Database): void {
  if (database.prepare("select 1 from sqlite_schema where name = 'rollout_names'").get() === undefined) return;
  if (database.prepare('select 1 from rollout_names').get() === undefined) return;
  const put = database.prepare('insert or ignore into kysely_migration (name, timestamp) values (?, ?)');
  put.run(UNDER_WAY, new Date(0).toISOString());
}

async function bringUp(db: Kysely<unknown>, migrations: Named, names: Partial<typeof ADDITIONS>): Promise<void> {
  const provider = { getMigrations: async () => ({ ...migrations }) };
  const { error } = await new Migrator({ db, provider, disableTransactions: true, ...names }).migrateToLatest();
  if (error !== undefined) throw error;
}

/** Additions of a newer release may stay; Kysely would call their names damage. */
function unlessNewer(database: BetterSqlite3.Database, additions: Named): Named {
  const strange = namesIn(database, ADDITIONS.migrationTableName).filter((name) => !Object.hasOwn(additions, name));
  const nothing: Migration = { up: async () => {} };
  return { ...additions, ...Object.fromEntries(strange.map((name) => [name, nothing])) };
}

/** Kysely would call this damage; it is a database that a newer release has written. */
function requireNotNewer(database: BetterSqlite3.Database, path: string, tables: Named): void {
  const strange = namesIn(database, 'kysely_migration').find((name) => !Object.hasOwn(tables, name));
  if (strange === undefined) return;
  throw new StoreError(
    'NEWER',
    `database ${path} was written by a newer release (it has migration ${strange}); run that release`,
  );
}
