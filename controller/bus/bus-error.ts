/** UNREACHABLE: no server answered. REFUSED: it did, and did not let us in. TOO_LARGE: longer than it takes. */
export type BusErrorCode = 'UNREACHABLE' | 'REFUSED' | 'TOO_LARGE';

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
