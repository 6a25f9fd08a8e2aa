/** What RTM_GETROUTE answers, in namespaces of its own: `routes.scenario.ts NAME`. */
import { execFileSync } from 'node:child_process';
import { advertisement, redirect, sendFrames, tooBig } from '../../support/forged.ts';
import { printResult } from '../../support/netns.ts';
import { until } from '../../support/process.ts';
import { batch, ip, MAC, makeTwoLinks, STRANGER_MAC, set } from '../../support/two-links.ts';

const DEADLINE_MS = 120_000;

interface Route {
  readonly dst: string;
  readonly dev?: string;
  readonly gateway?: string;
  readonly metrics?: readonly { readonly mtu?: number }[];
}

const send = (...frames: readonly Uint8Array[]): void => {
  const [command = '', ...args] = sendFrames('a0', frames);
  execFileSync(command, args);
};

/** Destination, gateway and MTU, or what `ip` says instead. */
function get(address: string, ...more: readonly string[]): readonly unknown[] {
  try {
    const answer = execFileSync('ip', ['-j', 'route', 'get', ...more, address], { encoding: 'utf8', stdio: 'pipe' });
    const [route] = JSON.parse(answer) as Route[];
    const { dst, dev, gateway = null, metrics = [] } = route as Route;
    return [dst, dev, gateway, metrics.find(({ mtu }) => mtu !== undefined)?.mtu ?? null];
  } catch (error) {
    return [`${(error as { stderr?: unknown }).stderr}`.trim()];
  }
}

const match = (address: string, ...more: readonly string[]) => get(address, 'fibmatch', ...more);

/** A stranger's word about a path, and what is answered before and after, from the cache and from the table. */
async function caches(): Promise<unknown> {
  makeTwoLinks();
  batch('route add 198.51.100.0/24 via 192.0.2.9\nroute add 2001:db8:5::/48 via fe80::9 dev b0');
  const [path, moved, path6, moved6] = ['198.51.100.5', '198.51.100.6', '2001:db8:5::5', '2001:db8:5::6'] as const;
  const all = [path, moved, path6, moved6];
  const before = all.map((address) => get(address));
  const table = all.map((address) => match(address));
  send(
    tooBig({ from: '203.0.113.66', host: '192.0.2.1', about: path, mac: MAC }, 576),
    redirect({ from: '192.0.2.9', host: '192.0.2.1', about: moved, mac: MAC }, '192.0.2.66', STRANGER_MAC),
    tooBig({ from: '2001:db8:66::66', host: '2001:db8::1', about: path6, mac: MAC }, 1280),
    redirect({ from: 'fe80::9', host: '2001:db8::1', about: moved6, mac: MAC }, 'fe80::66', STRANGER_MAC),
  );
  const after = await until('each is believed', DEADLINE_MS, () => {
    const now = all.map((address) => get(address));
    return now.every((it, i) => `${it}` !== `${before[i]}`) && now;
  });
  return { before, after, table, tableAfter: all.map((address) => match(address)) };
}

/** A device that no route to the address leads out of. */
function bound(): unknown {
  makeTwoLinks();
  batch('route add 198.51.100.0/24 via 192.0.2.9\nroute add 2001:db8:5::/48 via fe80::9 dev b0');
  batch('route add blackhole 198.51.101.0/24');
  return ['198.51.100.5', '198.51.101.5', '203.0.113.5', '2001:db8:5::5'].map((address) => [
    get(address, 'oif', 'b1'),
    match(address, 'oif', 'b1'),
  ]);
}

/** Two routes on one next hop object, asked one after the other on one CPU. */
function shared(): unknown {
  makeTwoLinks();
  const own = ['taskset', '-p', '-c', '0', `${process.pid}`] as const;
  execFileSync(own[0], own.slice(1));
  batch('nexthop add id 1 via 2001:db8:1::9 dev b1\nnexthop add id 2 via 192.0.3.9 dev b1');
  for (const [n, mtu] of [[1, '1300'] as const, [2, '1400'] as const]) {
    ip('route', 'add', `2001:db8:a${n}::/64`, 'nhid', '1', 'mtu', mtu);
    ip('route', 'add', `10.${n}.0.0/24`, 'nhid', '2', 'mtu', mtu);
  }
  return [1, 2].map((n) => [match(`10.${n}.0.5`), match(`2001:db8:a${n}::5`)]);
}

/** A router of the link, or whoever says that he is one, names an MTU. */
async function advertised(): Promise<unknown> {
  for (const which of ['all', 'default']) set(`ipv6/conf/${which}/accept_ra`, 1);
  makeTwoLinks();
  const lines = ['mtu 1400', 'mtu lock 1400', ''].map(
    (mtu, n) => `route add 2001:db8:b${n}::/64 via fe80::9 dev b0 ${mtu}`,
  );
  batch(lines.join('\n'));
  const look = () => [0, 1, 2].map((n) => match(`2001:db8:b${n}::5`)[3]);
  const before = look();
  const after = await until('it is believed', DEADLINE_MS, () => {
    send(advertisement('fe80::66', STRANGER_MAC, 1280));
    const [, dev] = get('2001:db8:ffff::5');
    return dev === 'b0' && look();
  });
  return { before, after };
}

const scenarios: Record<string, () => unknown> = { caches, bound, shared, advertised };

printResult(await scenarios[process.argv[2] ?? '']?.());
