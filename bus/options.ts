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
    ...(credsPath !== undefined && { authenticator: authenticatorOf(credsPath) }),
  };
}

/** The file is read whenever a server asks who we are: it may have been written anew since. */
function authenticatorOf(path: string): Authenticator {
  const authenticator: Authenticator = (nonce) => {
    try {
      return credsAuthenticator(readFileSync(path))(nonce);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new BusError('NO_CREDS', `read the credentials file ${path}`, reason, { cause });
    }
  };
  authenticator();
  return authenticator;
}
