import { readFileSync } from 'node:fs';
import { type ConnectionOptions, credsAuthenticator } from 'nats';

/** Where the bus is, and as whom to go there. */
export interface BusServers {
  /** Addresses of one cluster: `host:port`, `nats://host:port`, or `tls://host:port`, which asks for TLS everywhere. */
  readonly urls: readonly string[];
  /** A NATS credentials file. */
  readonly credsPath?: string;
}

type ServerOptions = Pick<ConnectionOptions, 'servers' | 'tls' | 'authenticator'>;

/** Turns addresses into what the NATS client takes, which by itself ignores `tls:`. Errors: that of reading the file. */
export function toServerOptions({ urls, credsPath }: BusServers): ServerOptions {
  return {
    servers: urls.map((url) => url.replace(/^[a-z]+:\/\//, '')),
    ...(urls.some((url) => url.startsWith('tls:')) && { tls: {} }),
    ...(credsPath !== undefined && { authenticator: credsAuthenticator(readFileSync(credsPath)) }),
  };
}
