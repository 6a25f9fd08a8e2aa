/** Where packets for an address leave, in namespaces of its own: `next-hop.scenario.ts NAME`. */
import { execFileSync } from 'node:child_process';
import { observeNetdevs } from '../../agent/kernel/netdevs.ts';
import { NextHops } from '../../agent/kernel/next-hops.ts';
import type { NextHop } from '../../agent/model/network.ts';
import { loadNative } from '../../native/index.ts';
import { redirect, sendFrames, tooBig } from '../support/forged.ts';
import { must } from '../support/must.ts';
import { printResult } from '../support/netns.ts';
import { until } from '../support/process.ts';
import { batch, ip, MAC, makeTwoLinks, STRANGER_MAC, set } from '../support/two-links.ts';

const native = loadNative();
const DEADLINE_MS = 120_000;

const ifindexOf = (name: string): number =>
  must(name, native.netLinks().items.find((link) => link.name === name) ?? -19).ifindex;

/** What the agent makes of an address, with interfaces by name. */
function resolve(address: string, bound?: string): unknown {
  const netdevs = observeNetdevs(native, { zones: new Map(), programs: [] });
  const query = { address, ...(bound !== undefined && { ifindex: ifindexOf(bound) }) };
  const hop: NextHop = new NextHops(native, netdevs).resolve(query);
  if (hop.state === 'no-route') return hop.state;
  const name = netdevs.find((dev) => dev.ifindex === hop.ifindex)?.name;
  return hop.state === 'resolved' ? [name, hop.gateway, hop.mtu] : [name, hop.gateway, hop.state];
}

/** What the kernel would do with packets of its own: gateway and MTU out of its caches. */
function believed(address: string): unknown {
  const [route] = JSON.parse(ip('-j', 'route', 'get', address)) as Record<string, unknown>[];
  const metrics = (route?.metrics ?? []) as { readonly mtu?: number }[];
  return [route?.gateway ?? null, metrics.find(({ mtu }) => mtu !== undefined)?.mtu ?? null];
}

async function whatStrangersSay(): Promise<unknown> {
  makeTwoLinks();
  batch('route add 198.51.100.0/24 via 192.0.2.9\nroute add 2001:db8:5::/48 via fe80::9 dev b0');
  const about = ['192.0.2.9', '198.51.100.5', '198.51.100.6', '2001:db8::9', '2001:db8:5::5', '2001:db8:5::6'];
  const [direct, routed, moved, direct6, routed6, moved6] = about as [string, string, string, string, string, string];
  const before = about.map((address) => resolve(address));
  const far = { from: '203.0.113.66', host: '192.0.2.1', mac: MAC };
  const far6 = { from: '2001:db8:66::66', host: '2001:db8::1', mac: MAC };
  const frames = [
    tooBig({ ...far, about: direct }, 576),
    tooBig({ ...far, about: routed }, 576),
    redirect({ ...far, from: '192.0.2.9', about: moved }, '192.0.2.66', STRANGER_MAC),
    tooBig({ ...far6, about: direct6 }, 1280),
    tooBig({ ...far6, about: routed6 }, 1280),
    redirect({ ...far6, from: 'fe80::9', about: moved6 }, 'fe80::66', STRANGER_MAC),
  ];
  execFileSync(...split(sendFrames('a0', frames)));
  const heard = await until('the kernel believes all of it', DEADLINE_MS, () => {
    const now = about.map(believed);
    return now.every((it) => !same(it, [null, null]) && !same(it, ['192.0.2.9', null]) && !same(it, ['fe80::9', null]))
      ? now
      : undefined;
  });
  return { before, heard, after: about.map((address) => resolve(address)) };
}

/** Routes of every kind that leads somewhere or nowhere: what each makes of one address below it. */
const ROUTES = `
nexthop add id 1 via 192.0.2.9 dev b0
nexthop add id 2 via 192.0.3.9 dev b1
nexthop add id 3 group 1/2
nexthop add id 4 blackhole
nexthop add id 5 via 2001:db8:1::9 dev b1
nexthop add id 6 via 2001:db8::9 dev b0
nexthop add id 7 group 5/6
nexthop add id 8 via 2001:db8:1::9 dev b1
route add 10.1.0.0/24 via 192.0.3.9 src 192.0.2.1
route add 10.2.0.0/24 via 192.0.2.9 mtu 1400
route add 10.3.0.0/24 via 192.0.2.9 mtu lock 1000
route add 10.4.0.0/24 via 192.0.2.9 mtu 9000
route add 10.5.0.0/24 nexthop via 192.0.3.9 weight 200 nexthop via 192.0.2.9
route add 10.6.0.0/24 nhid 1
route add 10.7.0.0/24 nhid 3
route add 10.8.0.0/24 nhid 4
route add 10.9.0.0/24 nhid 5
route add 10.10.0.0/24 via inet6 2001:db8::9 dev b0
route add 10.11.0.0/24 via 172.16.0.1 dev b0 onlink
route add 10.12.0.0/24 dev b0
route add unreachable 10.13.0.0/24
route add blackhole 10.14.0.0/24
route add prohibit 10.15.0.0/24
route add table 77 10.16.0.0/24 via 192.0.3.9
rule add to 10.16.0.0/24 table 77
rule add to 10.17.0.0/24 unreachable
route add 2001:db8:a1::/64 nexthop via 2001:db8:1::9 weight 200 nexthop via 2001:db8::9
route add 2001:db8:a2::/64 nhid 8 mtu 1300
route add 2001:db8:a3::/64 nhid 7
route add 2001:db8:a4::/64 via fe80::9 dev b1 mtu 1300
route add blackhole 2001:db8:a5::/64
route add unreachable 2001:db8:a6::/64
route add prohibit 2001:db8:a7::/64
route add table 77 2001:db8:a8::/64 via 2001:db8::9`;

const FOURS = Array.from({ length: 18 }, (_, n) => `10.${n + 1}.0.5`);
const SIXES = Array.from({ length: 9 }, (_, n) => `2001:db8:a${n + 1}::5`);

function kindsOfRoutes(): unknown {
  makeTwoLinks();
  batch(ROUTES);
  ip('-6', 'rule', 'add', 'to', '2001:db8:a8::/64', 'table', '77');
  return {
    routes: Object.fromEntries([...FOURS, ...SIXES].map((address) => [address, resolve(address)])),
    own: [resolve('192.0.2.1'), resolve('2001:db8::1')],
    bound: [
      ...['10.5.0.5', '10.2.0.5', '172.30.0.1', '2001:db8:a1::5', '2001:db8:a4::5', '2001:db8:a2::5', 'fe80::9'].map(
        (address) => resolve(address, 'b0'),
      ),
    ],
  };
}

/** Of several ways out one is taken that works, whichever it is; also where the kernel lists only next hop objects. */
async function livingHops(): Promise<unknown> {
  makeTwoLinks();
  batch(ROUTES);
  const listed = ['10.5.0.5', '2001:db8:a1::5'];
  const objects = ['10.7.0.5', '2001:db8:a3::5', '10.6.0.5', '2001:db8:a2::5'];
  const both = [...listed, ...objects].map((address) => resolve(address));
  set('ipv4/nexthop_compat_mode', 0);
  const unlisted = [...listed, ...objects].map((address) => resolve(address));
  set('ipv4/nexthop_compat_mode', 1);
  await carrier('b0', false);
  const withoutFirst = [...listed, ...objects].map((address) => resolve(address));
  await carrier('b0', true);
  await carrier('b1', false);
  return { both, unlisted, withoutFirst, withoutSecond: listed.map((address) => resolve(address)) };
}

async function carrier(name: string, on: boolean): Promise<void> {
  ip('link', 'set', name.replace('b', 'a'), on ? 'up' : 'down');
  await until(`${name} has ${on ? 'its' : 'no'} carrier`, DEADLINE_MS, () =>
    native.netLinks().items.some((link) => link.name === name && link.carrier === on),
  );
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const split = ([command = '', ...args]: readonly string[]): [string, string[]] => [command, args];

const scenarios: Record<string, () => unknown> = { whatStrangersSay, kindsOfRoutes, livingHops };

printResult(await scenarios[process.argv[2] ?? '']?.());
