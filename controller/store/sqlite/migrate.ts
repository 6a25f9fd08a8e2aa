import type BetterSqlite3 from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { StoreError } from '../../model/store-error.ts';

type Named = Readonly<Record<string, Migration>>;

/** By name, oldest first; see migrations/controller/index.ts. */
export interface Migrations {
  readonly tables: Named;
  readonly additions: Named;
}

/** Where the names of additions are kept: releases before the first of them look into `kysely_migration` only. */
const ADDITIONS = { migrationTableName: 'shunt_addition', migrationLockTableName: 'shunt_addition_lock' };

/** Marks the file as a controller's: "SHcl". Another program's database is not touched. */
export const APPLICATION_ID = 0x5348636c;

/**
 * Makes or moves the tables in one transaction: a crash leaves the old ones, and of two controllers that start at once
 * one waits for the other. Kysely itself neither locks SQLite nor migrates it in a transaction.
 */
export async function migrate(database: BetterSqlite3.Database, path: string, migrations: Migrations): Promise<void> {
  database.exec('begin immediate');
  try {
    requireNotNewer(database, path, migrations.tables);
    database.pragma(`application_id = ${APPLICATION_ID}`);
    const db = new Kysely({ dialect: new SqliteDialect({ database }) });
    await bringUp(db, migrations.tables, {});
    await bringUp(db, unlessNewer(database, migrations.additions), ADDITIONS);
    database.exec('commit');
  } finally {
    if (database.inTransaction) database.exec('rollback');
  }
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

function namesIn(database: BetterSqlite3.Database, table: string): string[] {
  const there = database.prepare(`select 1 from sqlite_schema where name = ?`).get(table);
  if (there === undefined) return [];
  return database.prepare<[], string>(`select name from ${table} order by name`).pluck().all();
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
