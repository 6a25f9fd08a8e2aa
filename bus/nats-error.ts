import { ErrorCode, NatsError } from 'nats';
import { errnoOf, shortageByErrno } from '../daemon/shortage.ts';
import { NONE_GIVEN } from './access.ts';
import { BusError, type BusErrorCode } from './error.ts';
import { cutReason, tlsReason } from './tls-error.ts';

const REQUEST_CODES: Readonly<Record<string, BusErrorCode>> = {
  [ErrorCode.Timeout]: 'TIMEOUT',
  [ErrorCode.NoResponders]: 'NO_RESPONDERS',
  [ErrorCode.PermissionsViolation]: 'NOT_ALLOWED',
  [ErrorCode.MaxPayloadExceeded]: 'TOO_LARGE',
  [ErrorCode.ConnectionClosed]: 'CLOSED',
  [ErrorCode.ConnectionDraining]: 'CLOSED',
};

const REFUSED: readonly string[] = [
  ErrorCode.AuthorizationViolation,
  ErrorCode.AuthenticationExpired,
  ErrorCode.AccountExpired,
  ErrorCode.BadAuthentication,
];

const NO_TLS = 'the server does not speak TLS; turn it on there, or ask for none: nats:// and no file of TLS';

/** Why a request has no answer. Whatever is no error of the client is handed back as it came. */
export function requestError(error: unknown, tried: string): unknown {
  if (!(error instanceof NatsError)) return error;
  const code = REQUEST_CODES[error.code] ?? 'DOWN';
  return new BusError(code, tried, code === 'NO_RESPONDERS' ? 'nobody listens there' : error.message, { cause: error });
}

/** How a connection was attempted: with what, and for how long a server was waited for. */
export interface Attempt {
  readonly tried: string;
  readonly timeoutMs: number;
  readonly withCertificate: boolean;
  /** Whether it was said who this is. */
  readonly named: boolean;
}

/** Why there is no connection. */
export function connectError(error: unknown, { tried, timeoutMs, withCertificate, named }: Attempt): BusError {
  if (error instanceof BusError) return error;
  const { chainedError } = error as { readonly chainedError?: unknown };
  if (chainedError instanceof BusError) return chainedError;
  const code = error instanceof NatsError ? error.code : undefined;
  const cause = { cause: error };
  if (code !== undefined && REFUSED.includes(code))
    return new BusError('REFUSED', tried, refusalReason(code, named), cause);
  const byTls =
    code === ErrorCode.ServerOptionNotAvailable ? NO_TLS : tlsReason(chainedError ?? error, withCertificate);
  if (byTls !== undefined) return new BusError('TLS', tried, byTls, cause);
  const short = shortageByErrno(errnoOf(chainedError ?? error));
  if (short !== undefined) return new BusError('NO_FILES', tried, short.why, cause);
  return new BusError('UNREACHABLE', tried, connectReason(error, timeoutMs, withCertificate), cause);
}

/** What the code of a server's objection means where it is that we are not let in; undefined where it is something else. */
export function refusalOf(code: unknown, { tried, named }: Pick<Attempt, 'tried' | 'named'>): BusError | undefined {
  if (typeof code !== 'string' || !REFUSED.includes(code)) return undefined;
  return new BusError('REFUSED', tried, refusalReason(code, named));
}

function refusalReason(code: string, named: boolean): string {
  if (code === ErrorCode.AuthenticationExpired || code === ErrorCode.AccountExpired)
    return 'the credentials have expired';
  return named ? 'the server does not let this user in' : `the server does not let everybody in; ${NONE_GIVEN}`;
}

/** Why not, where nothing came in the time that there was. */
export function noAnswerWithin(timeoutMs: number): string {
  return `no answer within ${timeoutMs / 1000}s`;
}

function connectReason(error: unknown, timeoutMs: number, withCertificate: boolean): string {
  const { code, message } = error as Error & { readonly code?: unknown };
  const { code: chained } = ((error as NatsError).chainedError ?? {}) as { readonly code?: unknown };
  switch (code) {
    case ErrorCode.ConnectionRefused:
      // The client says so, too, of a connection that was closed before the server said who it is.
      return chained === 'ECONNREFUSED' ? 'connection refused' : 'the connection was closed without a word';
    case ErrorCode.Timeout:
    case ErrorCode.ConnectionTimeout:
      return noAnswerWithin(timeoutMs);
    case 'ECONNRESET':
    case 'EPIPE':
      return cutReason(withCertificate);
    case 'ENOTFOUND':
      return 'the host name is unknown';
    default:
      return error instanceof NatsError ? (error.chainedError?.message ?? message) : message;
  }
}
