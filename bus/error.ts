import { plain } from '../protocol/plain.ts';

/** Why the bus could not do what was asked of it. */
export type BusErrorCode =
  /** No server answered. */
  | 'UNREACHABLE'
  /** A server answered, and did not let us in. */
  | 'REFUSED'
  /** A file that says who we are, or whom to believe, cannot be read, can be read by others, or holds none. */
  | 'NO_CREDS'
  /** We and the server do not come to terms about TLS: we do not believe it, or it does not believe us. */
  | 'TLS'
  /** No more files may be open, and a connection is one. */
  | 'NO_FILES'
  /** There is no connection now, or it was lost on the way. */
  | 'DOWN'
  | 'TIMEOUT'
  | 'NO_RESPONDERS'
  /** This user may not do that. */
  | 'NOT_ALLOWED'
  /** Longer than the server takes. */
  | 'TOO_LARGE'
  /** We are closing the connection. */
  | 'CLOSED';

/** The bus failed at one thing; an ordinary event, to be tried again later. Its message says what was tried, and why not. */
export class BusError extends Error {
  static {
    BusError.prototype.name = 'BusError';
  }
  readonly code: BusErrorCode;
  readonly tried: string;
  /** Why not, without what was tried. */
  readonly reason: string;

  constructor(code: BusErrorCode, tried: string, reason: string, options?: ErrorOptions) {
    super(plain(`${tried}: ${reason}`), options); // a server may have said it
    this.code = code;
    this.tried = tried;
    this.reason = plain(reason);
  }
}
