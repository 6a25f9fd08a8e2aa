/**
 * Why the database did not do it.
 * BUSY: somebody else holds the lock. FULL: no room on the disk. NO_FILES: no more of them may be open. These leave
 * everything as it was; trying again is right.
 * FAILED: an I/O error or damage. REPLACED: the file or its history is not the one that was opened. A controller ends on both.
 * DAMAGED: a row is not what was written; once the tables were looked through and mended, trying again is right.
 * NEWER, FOREIGN: this database is not one for this program. UNUSABLE: it could not be opened at all.
 */
export type StoreErrorCode =
  | 'BUSY'
  | 'FULL'
  | 'NO_FILES'
  | 'FAILED'
  | 'REPLACED'
  | 'DAMAGED'
  | 'NEWER'
  | 'FOREIGN'
  | 'UNUSABLE';

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
