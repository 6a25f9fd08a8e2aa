import { readFileSync } from 'node:fs';
import { type Authenticator, type ConnectionOptions, credsAuthenticator } from 'nats';
import { BusError } from './error.ts';
import type { BusServers } from './servers.ts';

type ServerOptions = Pick<ConnectionOptions, 'servers' | 'tls' | 'authenticator'>;

/** Turns addresses into what the NATS client takes, which by itself ignores `tls:`. Errors: BusError NO_CREDS. */
export function toServerOptions({ urls, credsPath }: BusServers): ServerOptions {
  return {
    servers: urls.map((url) => url.replace(/^[a-z]+:\/\//, '')),
    ...(urls.some((url) => url.startsWith('tls:')) && { tls: {} }),
    ...(credsPath !== undefined && { authenticator: readCreds(credsPath) }),
  };
}

function readCreds(path: string): Authenticator {
  try {
    return credsAuthenticator(readFileSync(path));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BusError('NO_CREDS', `read the credentials file ${path}`, reason, { cause });
  }
}
