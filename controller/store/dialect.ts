import type BetterSqlite3 from 'better-sqlite3';
import type { CreateTableBuilder, Kysely } from 'kysely';
import { SqliteDialect, sql } from 'kysely';

/** What differs between the databases that the controller's tables may live in. Only this file names SQLite's ways. */

/** Holds every safe integer; SQLite's STRICT tables know 64-bit integers by this name alone. */
export const WHOLE = 'integer';

/** Ends the definition of a table whose rows are found by their primary key: typed columns, rows stored in the key's index. */
export function keyed<Table extends string, Columns extends string>(
  table: CreateTableBuilder<Table, Columns>,
): CreateTableBuilder<Table, Columns> {
  return table.modifyEnd(sql`strict, without rowid`);
}

/** Ends the definition of a table with a number of its own as primary key. */
export function numbered<Table extends string, Columns extends string>(
  table: CreateTableBuilder<Table, Columns>,
): CreateTableBuilder<Table, Columns> {
  return table.modifyEnd(sql`strict`);
}

export function dialectOf(database: BetterSqlite3.Database): SqliteDialect {
  return new SqliteDialect({ database });
}

/** A database as migrations see it: its tables are not known to the compiler. */
// biome-ignore lint/suspicious/noExplicitAny: Kysely's own type of a database whose tables change under it.
export type AnyDatabase = Kysely<any>;
