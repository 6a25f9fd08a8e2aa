import BetterSqlite3 from 'better-sqlite3';
import { shortageOf } from '../../../daemon/shortage.ts';
import { StoreError } from '../../model/store-error.ts';

const RESTORE =
  'hosts keep what they have; keep the file, and restore the newest backup as docs/operations.md says, "Backup and restore"';

/** A database in which not even the tables can be found. */
export function unreadable(path: string, error: unknown): StoreError {
  const why = error instanceof Error ? error.message : String(error);
  // SQLite reports what it found in several lines.
  return new StoreError('FAILED', `database ${path} is damaged: ${why.replaceAll('\n', ' ')}; ${RESTORE}`, error);
}

/** Names what SQLite threw, or what the system has no more of; anything else comes back as it is. */
export function storeErrorOf(error: unknown, path: string): unknown {
  const shortage = error instanceof StoreError ? undefined : shortageOf(error, path);
  if (shortage !== undefined) {
    const text = `database ${path}: ${(error as Error).message}: ${shortage.why}; nothing was changed`;
    return new StoreError(shortage.of === 'room' ? 'FULL' : 'NO_FILES', text, error);
  }
  if (!(error instanceof BetterSqlite3.SqliteError)) return error;
  const { code, message } = error;
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new StoreError('BUSY', `database ${path}: another process holds its lock: ${message}; try again`, error);
  }
  if (code === 'SQLITE_NOTADB') {
    const text = `database ${path}: ${message}; give --db another file. If it was the controller's: ${RESTORE}`;
    return new StoreError('FOREIGN', text, error);
  }
  if (code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_PERM')) {
    return new StoreError('UNUSABLE', `database ${path}: ${message}; its folder must exist and be writable`, error);
  }
  if (code.startsWith('SQLITE_IOERR') && code !== 'SQLITE_IOERR_SHORT_READ') {
    const text = `database ${path}: the disk failed: ${message}; see the kernel's log, and start the controller again`;
    return new StoreError('FAILED', text, error);
  }
  return unreadable(path, error);
}
