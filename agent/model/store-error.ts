/**
 * Why the store could not do its work. FULL, NO_FILES, BUSY and READ_ONLY pass: nothing was changed, try again later. After IO,
 * DAMAGED and REPLACED (a start would find another file, or none) the store refuses everything and the process should end; the
 * rest says why it did not open.
 */
export type StoreErrorCode =
  | 'FULL'
  | 'NO_FILES'
  | 'BUSY'
  | 'READ_ONLY'
  | 'IO'
  | 'DAMAGED'
  | 'REPLACED'
  | 'ACCESS'
  | 'NEWER_SCHEMA'
  | 'OTHER_HOST'
  | 'CLOSED';

const PASSING: readonly StoreErrorCode[] = ['FULL', 'NO_FILES', 'BUSY', 'READ_ONLY'];

/** The store failed as a whole; `path` is the database file. */
export class StoreError extends Error {
  static {
    StoreError.prototype.name = 'StoreError';
  }
  readonly code: StoreErrorCode;
  readonly path: string;

  constructor(code: StoreErrorCode, path: string, message: string, options?: ErrorOptions) {
    super(`${path}: ${message}`, options);
    this.code = code;
    this.path = path;
  }

  /** True when nothing is broken and the same call may succeed later. */
  get passing(): boolean {
    return PASSING.includes(this.code);
  }
}
