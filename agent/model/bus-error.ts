/** Why a request over the bus has no answer. */
export type BusErrorCode = 'DOWN' | 'TIMEOUT' | 'NO_RESPONDERS' | 'NOT_ALLOWED' | 'TOO_LARGE' | 'CLOSED';

/** A request over the bus failed; an ordinary thing, to be tried again later. */
export class BusError extends Error {
  static {
    BusError.prototype.name = 'BusError';
  }
  readonly code: BusErrorCode;
  readonly subject: string;

  constructor(code: BusErrorCode, subject: string, message: string, options?: ErrorOptions) {
    super(`request ${subject}: ${message}`, options);
    this.code = code;
    this.subject = subject;
  }
}
