import type BetterSqlite3 from 'better-sqlite3';

/** As Kysely writes it. */
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The names of migrations that were run, in the order of the names; none where there is no such table. */
export function namesIn(database: BetterSqlite3.Database, table: string): string[] {
  if (!isThere(database, table)) return [];
  return database.prepare<[], string>(`select name from ${table} order by name`).pluck().all();
}

/**
 * Writes down anew which migrations were run, where the table has it wrong: all of `names` were, and maybe newer ones. One
 * flipped bit in there would have a migration run again, or refuse every start.
 */
export function mendNames(database: BetterSqlite3.Database, table: string, names: readonly string[]): void {
  if (!isThere(database, table) || hasAll(database, table, names)) return;
  database.exec(`delete from ${table}`); // takes pages away and reads none, so that a damaged index does not matter
  const put = database.prepare(`insert into ${table} (name, timestamp) values (?, ?)`);
  for (const name of names) put.run(name, new Date(0).toISOString());
}

function isThere(database: BetterSqlite3.Database, table: string): boolean {
  return database.prepare('select 1 from sqlite_schema where name = ?').get(table) !== undefined;
}

/** In the table as in its index, with a time as Kysely writes it; others there are somebody else's matter. */
function hasAll(database: BetterSqlite3.Database, table: string, names: readonly string[]): boolean {
  const rows = database
    .prepare<[], { readonly name: unknown; readonly timestamp: unknown }>(
      `select name, timestamp from ${table} not indexed`,
    )
    .all();
  const times = new Map(rows.map(({ name, timestamp }) => [name, String(timestamp)]));
  const indexed = new Set(namesIn(database, table));
  return names.every((name) => indexed.has(name) && isTime(times.get(name) ?? ''));
}

function isTime(text: string): boolean {
  return TIMESTAMP.test(text) && !Number.isNaN(Date.parse(text));
}
