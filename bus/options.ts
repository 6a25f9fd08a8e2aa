import type { ConnectionOptions } from 'nats';
import type { BusAccess } from './access.ts';
import { authenticatorOf } from './authenticator.ts';
import type { BusServers } from './servers.ts';
import { tlsOf } from './tls.ts';

type ServerOptions = Pick<ConnectionOptions, 'servers' | 'tls' | 'authenticator'>;

/**
 * Turns addresses and access into what the NATS client takes. It demands TLS where an address or a file asks for that, and
 * speaks it wherever the server does. Errors: BusError NO_CREDS, where one of the files cannot be used as it is now.
 */
export function toServerOptions({ urls, ...access }: BusServers): ServerOptions {
  const authenticator = authenticatorOf(access);
  authenticator?.();
  const tls = wantsTls(urls, access) ? tlsOf(access) : undefined;
  return {
    servers: urls.map((url) => url.replace(/^[a-z]+:\/\//, '')),
    ...(tls !== undefined && { tls }),
    ...(authenticator !== undefined && { authenticator }),
  };
}

function wantsTls(urls: readonly string[], { tlsCa, tlsCert }: BusAccess): boolean {
  return tlsCa !== undefined || tlsCert !== undefined || urls.some((url) => url.startsWith('tls:'));
}
