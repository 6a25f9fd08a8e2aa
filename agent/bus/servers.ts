import { readFileSync } from 'node:fs';
import { type ConnectionOptions, credsAuthenticator } from 'nats';

/** Where the bus is, and as whom to go there. */
export interface BusServers {
  /** `nats://` or `tls://` URLs of one cluster; the first that names a user gives the user for all. */
  readonly urls: readonly string[];
  /** A NATS credentials file. */
  readonly credsPath?: string;
}

type ServerOptions = Pick<ConnectionOptions, 'servers' | 'user' | 'pass' | 'tls' | 'authenticator'>;

/** Turns URLs into what the NATS client takes: it ignores a user or `tls:` in them. Errors: TypeError for a bad URL. */
export function toServerOptions({ urls, credsPath }: BusServers): ServerOptions {
  const parsed = urls.map((url) => new URL(url.includes('://') ? url : `nats://${url}`));
  const named = parsed.find(({ username }) => username !== '');
  return {
    servers: parsed.map(({ hostname, port }) => `${hostname}:${port === '' ? 4222 : port}`),
    ...(named && { user: decodeURIComponent(named.username), pass: decodeURIComponent(named.password) }),
    ...(parsed.some(({ protocol }) => protocol === 'tls:') && { tls: {} }),
    ...(credsPath !== undefined && { authenticator: credsAuthenticator(readFileSync(credsPath)) }),
  };
}
