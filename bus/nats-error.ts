import { ErrorCode, NatsError } from 'nats';
import { BusError, type BusErrorCode } from './error.ts';

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

/** Why a request has no answer. Whatever is no error of the client is handed back as it came. */
export function requestError(error: unknown, tried: string): unknown {
  if (!(error instanceof NatsError)) return error;
  const code = REQUEST_CODES[error.code] ?? 'DOWN';
  return new BusError(code, tried, code === 'NO_RESPONDERS' ? 'nobody listens there' : error.message, { cause: error });
}

/** Why there is no connection. `timeoutMs` is how long a server was waited for. */
export function connectError(error: unknown, tried: string, timeoutMs: number): BusError {
  if (error instanceof BusError) return error;
  const refused = error instanceof NatsError && REFUSED.includes(error.code);
  const reason = refused ? refusalReason(error.code) : connectReason(error, timeoutMs);
  return new BusError(refused ? 'REFUSED' : 'UNREACHABLE', tried, reason, { cause: error });
}

/** What the code of a server's objection means where it is that we are not let in; undefined where it is something else. */
export function refusalOf(code: unknown, tried: string): BusError | undefined {
  if (typeof code !== 'string' || !REFUSED.includes(code)) return undefined;
  return new BusError('REFUSED', tried, refusalReason(code));
}

function refusalReason(code: string): string {
  const expired = code === ErrorCode.AuthenticationExpired || code === ErrorCode.AccountExpired;
  return expired ? 'the credentials have expired' : 'the server does not let this user in';
}

function connectReason(error: unknown, timeoutMs: number): string {
  const { code, message } = error as Error & { readonly code?: unknown };
  switch (code) {
    case ErrorCode.ConnectionRefused:
      return 'connection refused';
    case ErrorCode.Timeout:
    case ErrorCode.ConnectionTimeout:
      return `no answer within ${Math.floor(timeoutMs / 1000)}s`;
    case 'ENOTFOUND':
      return 'the host name is unknown';
    default:
      return error instanceof NatsError ? (error.chainedError?.message ?? message) : message;
  }
}
