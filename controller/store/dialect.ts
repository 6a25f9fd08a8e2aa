import { type Compilable, type Kysely, sql } from 'kysely';
import type { Schema } from './schema.ts';

/** Makes a statement that writes a row under its key, whether one is there already or not. */
export function upsert<Table extends keyof Schema & string>(
  db: Kysely<Schema>,
  table: Table,
  key: readonly (keyof Schema[Table] & string)[],
  row: Partial<Schema[Table]>,
): Compilable<never> {
  // biome-ignore lint/suspicious/noExplicitAny: Kysely knows no columns of a table that is named by a variable.
  const untyped = db as Kysely<any>;
  const others = Object.keys(row).filter((column) => !(key as readonly string[]).includes(column));
  const written = Object.fromEntries(others.map((column) => [column, sql.ref(`excluded.${column}`)]));
  return untyped
    .insertInto(table as string)
    .values(row)
    .onConflict((conflict) => conflict.columns([...key]).doUpdateSet(written)) as Compilable<never>;
}

/** How many rows at most, in the words of the statement: SQLite plans one anew for each run whose limit is a parameter. */
export function upTo(rows: number) {
  return sql.lit(rows);
}

/** The texts of a JSON list, to be compared with. */
export function listed(json: string) {
  return sql<string>`(select value from json_each(${json}))`;
}

/** The text at a place of a JSON column; null where there is none. */
export function textAt(column: string, place: string) {
  return sql<string | null>`json_extract(${sql.ref(column)}, ${sql.lit(place)})`;
}

/** The values of a column within a group, with commas between them; several columns have theirs in one order. */
export function joined(column: string) {
  return sql<string>`group_concat(${sql.ref(column)})`;
}

/** A JSON list of pairs of a host and a rev, as rows. */
export function pairs(json: string) {
  return sql<{ host: string; rev: number }>`(select value ->> 0 as host, value ->> 1 as rev from json_each(${json}))`;
}
