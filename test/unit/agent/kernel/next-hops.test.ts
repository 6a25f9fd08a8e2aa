import { constants } from 'node:os';
import test from 'ava';
import { observeLinks } from '../../../../agent/kernel/netdevs.ts';
import { NextHops } from '../../../../agent/kernel/next-hops.ts';
import { KernelError } from '../../../../agent/model/kernel-error.ts';
import type { NetNexthop, NetRoute } from '../../../../native/index.ts';

const NONE = { hops: [], nexthop: 0, mtu: 0 };
const ROUTED: NetRoute = { ...NONE, rc: 0, type: 1 };
const GATEWAY = { ifindex: 2, gateway: new Uint8Array([192, 0, 2, 9]), flags: 0 };
const HOP: NetNexthop = { rc: 0, hop: GATEWAY, members: [] };

type Errno = keyof typeof constants.errno;
const not = (name: Errno): number => -constants.errno[name];

interface Told {
  readonly route?: NetRoute;
  readonly nexthop?: (id: number) => NetNexthop;
  readonly neighbours?: number;
}

function resolve({ route = ROUTED, nexthop = () => HOP, neighbours = 0 }: Told): unknown {
  const netlink = {
    netRouteGet: () => route,
    netNexthopGet: nexthop,
    netNeighbours: () => ({ rc: neighbours, items: [] }),
  };
  return new NextHops(netlink, []).resolve({ address: '198.51.100.5' });
}

const noRoute: readonly Errno[] = ['ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EINVAL'];
const untold: readonly Errno[] = ['ENOBUFS', 'ENOMEM', 'EPERM', 'EMFILE', 'EINTR'];

for (const name of noRoute) {
  test(`next hops: ${name} is what the kernel says where no route leads there`, (t) => {
    t.deepEqual(resolve({ route: { ...NONE, rc: not(name), type: 0 } }), { state: 'no-route' });
  });
}

for (const name of untold) {
  test(`next hops: ${name} is no answer, and no reason to take a redirect for one without a route`, (t) => {
    const throws = (told: Told, what: string): void => {
      const { message } = t.throws(() => resolve(told), { instanceOf: KernelError });
      t.is(message.split('; ')[0], `${what}: ${name}`);
    };
    throws({ route: { ...NONE, rc: not(name), type: 0 } }, 'look up the route to 198.51.100.5');
    throws({ neighbours: not(name) }, 'rtnetlink dump neighbours');
    const ofObject = { route: { ...ROUTED, nexthop: 7 } };
    const lost: NetNexthop = { rc: not(name), hop: null, members: [] };
    throws({ ...ofObject, nexthop: () => lost }, 'look up the next hop object 7');
    const group = (id: number): NetNexthop => (id === 7 ? { rc: 0, hop: null, members: [8, 9] } : lost);
    throws({ ...ofObject, nexthop: group }, 'look up the next hop object 8');
  });
}

test('next hops: an object that was removed since has no hops', (t) => {
  const gone: NetNexthop = { rc: not('ENOENT'), hop: null, members: [] };
  t.deepEqual(resolve({ route: { ...ROUTED, nexthop: 7 }, nexthop: () => gone }), { state: 'no-route' });
});

test('next hops: neighbours are listed once something is looked up, and then once', (t) => {
  let listed = 0;
  const netNeighbours = () => {
    listed += 1;
    return { rc: 0, items: [{ ...GATEWAY, address: GATEWAY.gateway, mac: new Uint8Array(6), state: 2 }] };
  };
  const hops = new NextHops(
    { netRouteGet: () => ({ ...ROUTED, hops: [GATEWAY] }), netNexthopGet: () => HOP, netNeighbours },
    [],
  );
  t.is(listed, 0);
  for (const address of ['198.51.100.5', '198.51.100.6']) t.like(hops.resolve({ address }), { state: 'resolved' });
  t.is(listed, 1);
});

test('next hops: a list that changed while it was told is asked for again, and not for ever', (t) => {
  let asked = 0;
  const settling = { netLinks: () => ({ rc: ++asked < 5 ? not('EINTR') : 0, items: [] }) };
  t.deepEqual(observeLinks(settling), []);
  t.is(asked, 5);
  const restless = { netLinks: () => ({ rc: not('EINTR'), items: [] }) };
  t.throws(() => observeLinks(restless), { instanceOf: KernelError, message: 'rtnetlink dump links: EINTR' });
});
