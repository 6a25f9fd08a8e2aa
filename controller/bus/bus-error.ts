/**
 * UNREACHABLE: no server answered. REFUSED: it did, and did not let us in. NO_CREDS: the credentials file cannot be read.
 * TOO_LARGE: longer than the server takes.
 */
export type BusErrorCode = 'UNREACHABLE' | 'REFUSED' | 'NO_CREDS' | 'TOO_LARGE';

export class BusError extends Error {
  static {
    BusError.prototype.name = 'BusError';
  }
  readonly code: BusErrorCode;

  constructor(code: BusErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
