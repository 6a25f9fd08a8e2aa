import { show } from '../protocol/read.ts';
import { Refused } from '../protocol/refused.ts';
import type { BusAccess } from './access.ts';

/** Where the bus is, and as whom to go there. */
export interface BusServers extends BusAccess {
  /** Addresses of one cluster: `host:port`, `nats://host:port`, or `tls://host:port`, which asks for TLS everywhere. */
  readonly urls: readonly string[];
}

/**
 * Reads the addresses of NATS servers, each `nats://host:port` or `tls://host:port`; commas separate several in one text.
 * Errors: Refused BAD_FIELD; a password in an address is refused, because it would show in every list of processes.
 */
export function parseServers(texts: readonly string[], path = 'nats'): readonly string[] {
  const servers = texts.flatMap((text) => text.split(',')).map((text) => text.trim());
  for (const server of servers) checkServer(server, path);
  if (servers.length === 0) throw new Refused('BAD_FIELD', path, 'name at least one server');
  return Object.freeze(servers);
}

function checkServer(server: string, path: string): void {
  const url = URL.parse(/^[a-z]+:\/\//.test(server) ? server : `nats://${server}`);
  if (url !== null && url.username !== '') {
    throw new Refused(
      'BAD_FIELD',
      path,
      'an address must not contain a user or password; use a credentials file with --creds',
    );
  }
  const bare = url !== null && /^\/?$/.test(url.pathname) && url.search === '' && url.hash === '';
  if (!bare || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '') {
    throw new Refused('BAD_FIELD', path, `expected an address such as nats://127.0.0.1:4222, not ${show(server)}`);
  }
}
