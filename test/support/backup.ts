import { copyFile, rm } from 'node:fs/promises';
import BetterSqlite3 from 'better-sqlite3';

/** Copies a database as SQLite does it, whether somebody uses it or not. */
export async function backUp(database: string, copy: string): Promise<void> {
  await remove(copy);
  using held = new DisposableStack();
  await held.adopt(new BetterSqlite3(database), (it) => it.close()).backup(copy);
}

/** Puts a copy in the place of a database that nobody uses. */
export async function restore(copy: string, database: string): Promise<void> {
  await remove(database);
  await copyFile(copy, database);
}

/** Removes a database with what SQLite keeps beside it; it need not be there. */
export async function remove(database: string): Promise<void> {
  for (const path of [database, `${database}-wal`, `${database}-shm`]) await rm(path, { force: true });
}
