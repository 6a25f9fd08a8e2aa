import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import BetterSqlite3 from 'better-sqlite3';

/**
 * Moves the write-ahead log of a database into it, as far as nobody reads from it, in a thread of its own: of a large log that takes
 * tenths of a second, or longer where others want the disk. What SQLite cannot do now, a commit to come does.
 */
export async function moveLog(path: string): Promise<void> {
  await once(new Worker(new URL(import.meta.url), { workerData: path }), 'exit');
}

/**
 * Has on the disk what is in the write-ahead log of a database, while others have their turn: a commit that waits for the disk then
 * waits for little. What the disk cannot do is told to that commit, too: each descriptor is told, see fsync(2).
 */
export async function syncLog(path: string): Promise<void> {
  const file = await open(`${path}-wal`).catch(() => undefined);
  await file?.datasync().catch(() => {});
  await file?.close().catch(() => {});
}

function move(path: string): void {
  try {
    const database = new BetterSqlite3(path, { fileMustExist: true });
    database.pragma('wal_checkpoint(passive)');
    database.close();
  } catch (error) {
    if (!(error instanceof BetterSqlite3.SqliteError)) throw error;
  }
}

if (!isMainThread) move(workerData);
