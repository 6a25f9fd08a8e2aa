import BetterSqlite3 from 'better-sqlite3';

/**
 * Why the database did not do it.
 * BUSY: somebody else holds the lock. FULL: no room on the disk. Both leave everything as it was; trying again is right.
 * FAILED: an I/O error or damage. REPLACED: the file or its history is not the one that was opened. A controller ends on both.
 * NEWER, FOREIGN: this database is not one for this program. UNUSABLE: it could not be opened at all.
 */
export type StoreErrorCode = 'BUSY' | 'FULL' | 'FAILED' | 'REPLACED' | 'NEWER' | 'FOREIGN' | 'UNUSABLE';

export class StoreError extends Error {
  static {
    StoreError.prototype.name = 'StoreError';
  }
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }

  /** After these the connection is worth nothing: a commit that failed on I/O may or may not be on the disk. */
  get fatal(): boolean {
    return this.code === 'FAILED' || this.code === 'REPLACED';
  }
}

/** Names what SQLite threw; anything else comes back as it is. */
export function storeErrorOf(error: unknown, path: string): unknown {
  if (!(error instanceof BetterSqlite3.SqliteError)) return error;
  const { code, message } = error;
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new StoreError('BUSY', `database ${path}: another process holds its lock: ${message}; try again`, error);
  }
  if (code === 'SQLITE_FULL') {
    return new StoreError('FULL', `database ${path}: no room left: ${message}; nothing was changed`, error);
  }
  if (code === 'SQLITE_NOTADB') {
    return new StoreError('FOREIGN', `database ${path}: ${message}; give --db another file`, error);
  }
  if (code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_PERM')) {
    return new StoreError('UNUSABLE', `database ${path}: ${message}; its folder must exist and be writable`, error);
  }
  return new StoreError('FAILED', `database ${path}: ${code}: ${message}`, error);
}
