import type { CreateTableBuilder, Kysely } from 'kysely';
import { sql } from 'kysely';

/** Words for columns and tables that each database has its own of. Written migrations stand on them: they only grow. */

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

/** A database as migrations see it: its tables are not known to the compiler. */
// biome-ignore lint/suspicious/noExplicitAny: Kysely's own type of a database whose tables change under it.
export type AnyDatabase = Kysely<any>;
