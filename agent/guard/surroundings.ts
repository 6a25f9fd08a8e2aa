import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { isUnicastTarget, parseAddress } from '../../protocol/address.ts';

/** A server of the bus, as it was named, or by address. */
export interface Server {
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = 4222;
/** The resolver of systemd-resolved on the host itself, and the file in which it names those that it asks. */
const STUB = '127.0.0.53';
const RESOLV_CONF = '/etc/resolv.conf';
const UPSTREAM_CONF = '/run/systemd/resolve/resolv.conf';

/** Reads the addresses of NATS servers (bus/servers.ts has checked them). */
export function serversOf(urls: readonly string[]): readonly Server[] {
  return urls.map((text) => {
    const url = new URL(/^[a-z]+:\/\//.test(text) ? text : `nats://${text}`);
    return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? DEFAULT_PORT : Number(url.port) };
  });
}

/** All addresses of a name, as a client of the bus finds them; none where nobody can tell. */
export async function addressesOf(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch {
    return [];
  }
}

/** The resolvers that this host asks, but those on the host itself. */
export function resolvers(): readonly string[] {
  const named = nameserversIn(textOf(RESOLV_CONF));
  return named.includes(STUB) ? [...named, ...nameserversIn(textOf(UPSTREAM_CONF))] : named;
}

/** resolv.conf(5). A zone says by which link; packets are protected by whatever interface they come. */
export function nameserversIn(text: string): readonly string[] {
  return [...text.matchAll(/^[ \t]*nameserver[ \t]+([0-9A-Fa-f.:]+)/gm)].map(([, address = '']) => address);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Whether packets with this address may come from, or to, another station. */
export function isElsewhere(text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && isUnicastTarget(address);
}
