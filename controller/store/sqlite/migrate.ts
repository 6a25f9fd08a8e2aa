import type BetterSqlite3 from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { StoreError } from '../../model/store-error.ts';

/** By name, oldest first. */
export type Migrations = Readonly<Record<string, Migration>>;

/** Marks the file as a controller's: "SHcl". Another program's database is not touched. */
export const APPLICATION_ID = 0x5348636c;

/**
 * Makes or moves the tables in one transaction: a crash leaves the old ones, and of two controllers that start at once
 * one waits for the other. Kysely itself neither locks SQLite nor migrates it in a transaction.
 */
export async function migrate(database: BetterSqlite3.Database, path: string, migrations: Migrations): Promise<void> {
  database.exec('begin immediate');
  try {
    requireNotNewer(database, path, migrations);
    database.pragma(`application_id = ${APPLICATION_ID}`);
    const db = new Kysely({ dialect: new SqliteDialect({ database }) });
    const provider = { getMigrations: async () => ({ ...migrations }) };
    const { error } = await new Migrator({ db, provider, disableTransactions: true }).migrateToLatest();
    if (error !== undefined) throw error;
    database.exec('commit');
  } finally {
    if (database.inTransaction) database.exec('rollback');
  }
}

/** Kysely would call this damage; it is a database that a newer release has written. */
function requireNotNewer(database: BetterSqlite3.Database, path: string, migrations: Migrations): void {
  const table = database.prepare(`select 1 from sqlite_schema where name = 'kysely_migration'`).get();
  if (table === undefined) return;
  const names = database.prepare<[], string>('select name from kysely_migration order by name').pluck().all();
  const strange = names.find((name) => !Object.hasOwn(migrations, name));
  if (strange === undefined) return;
  throw new StoreError(
    'NEWER',
    `database ${path} was written by a newer release (it has migration ${strange}); run that release`,
  );
}
