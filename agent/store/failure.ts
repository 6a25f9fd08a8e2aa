import Database from 'better-sqlite3';
import { ExposedError } from '../../daemon/private-file.ts';
import { shortageOf } from '../../daemon/shortage.ts';
import { StoreError, type StoreErrorCode } from '../model/store-error.ts';

/** By the primary part of SQLite's result code; https://www.sqlite.org/rescode.html. */
const BY_RESULT: Readonly<Record<string, StoreErrorCode>> = {
  BUSY: 'BUSY',
  LOCKED: 'BUSY',
  READONLY: 'READ_ONLY',
  CORRUPT: 'DAMAGED',
  NOTADB: 'DAMAGED',
  // Our statements are right: where SQLite says otherwise, the schema is not the one that we made.
  ERROR: 'DAMAGED',
  SCHEMA: 'DAMAGED',
  FORMAT: 'DAMAGED',
  MISMATCH: 'DAMAGED',
  CONSTRAINT: 'DAMAGED',
  CANTOPEN: 'ACCESS',
  PERM: 'ACCESS',
  AUTH: 'ACCESS',
};

const BY_ERRNO: Readonly<Record<string, StoreErrorCode>> = {
  EROFS: 'READ_ONLY',
  EIO: 'IO',
};

const ADVICE: Partial<Record<StoreErrorCode, string>> = {
  BUSY: 'another process holds the database',
  ACCESS: "the state directory must be the agent's own: chown it, chmod 700",
  DAMAGED: 'the file is damaged',
  IO: 'the disk failed; nothing is believed until the agent has started again',
};

/** Answers what an error of SQLite or of the file system means for the store. Anything else is returned as it came. */
export function toStoreError(error: unknown, path: string, what: string): unknown {
  if (error instanceof ExposedError)
    return new StoreError('ACCESS', path, `${what}: ${error.message}`, { cause: error });
  const shortage = error instanceof StoreError ? undefined : shortageOf(error, path);
  if (shortage !== undefined) {
    const { message } = error as Error;
    return new StoreError(shortage.of === 'room' ? 'FULL' : 'NO_FILES', path, `${what}: ${message}: ${shortage.why}`, {
      cause: error,
    });
  }
  const code = codeOf(error);
  if (code === undefined || !(error instanceof Error)) return error;
  const advice = ADVICE[code];
  return new StoreError(code, path, `${what}: ${error.message}${advice === undefined ? '' : `; ${advice}`}`, {
    cause: error,
  });
}

function codeOf(error: unknown): StoreErrorCode | undefined {
  if (error instanceof StoreError || !(error instanceof Error)) return undefined;
  if (error instanceof Database.SqliteError) return BY_RESULT[error.code.split('_')[1] ?? ''] ?? 'IO';
  const errno = (error as NodeJS.ErrnoException).code;
  return errno?.startsWith('E') && 'syscall' in error ? (BY_ERRNO[errno] ?? 'ACCESS') : undefined;
}

export function isDamage(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'DAMAGED';
}
