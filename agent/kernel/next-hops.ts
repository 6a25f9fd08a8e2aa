import type { Native, NetHop, NetNeighbour, NetNexthop } from '../../native/index.ts';
import { formatAddress, parseAddress } from '../../protocol/address.ts';
import type { Netdev, NextHop, NextHopQuery } from '../model/network.ts';
import { whole } from './dump.ts';
import { isErrno, requireDone } from './errno.ts';
import { formatMac } from './layout.ts';

/** include/uapi/linux/rtnetlink.h */
const RTN_UNICAST = 1;
const RTNH_F_DEAD = 1;
const RTNH_F_LINKDOWN = 16;
/** include/uapi/linux/neighbour.h */
const NUD_FAILED = 0x20;

/** What the kernel answers where it has looked and there is none: also of routes that refuse (net/ipv4/fib_semantics.c, fib_props). */
const NO_ROUTE = ['ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EINVAL'] as const;

type Netlink = Pick<Native, 'netRouteGet' | 'netNexthopGet' | 'netNeighbours'>;

/** The ways out that the routing tables have for an address; `mtu` is the entry's own, 0 where it has none. */
interface Route {
  readonly hops: readonly NetHop[];
  readonly mtu: number;
}

/**
 * Where packets for addresses leave: by the routing tables as they are when asked, by devices as they stood when this was made,
 * and by neighbours as they stand when the first of them is asked for. The kernel's caches are not asked: a single forged packet
 * from anywhere gets a path's MTU or another gateway into them (kernel-facts: route-cache). Errors: KernelError where the kernel
 * does not tell; that is no answer.
 */
export class NextHops {
  readonly #netlink: Netlink;
  readonly #netdevs: ReadonlyMap<number, Netdev>;
  #neighbours: ReadonlyMap<string, NetNeighbour> | undefined;

  constructor(netlink: Netlink, netdevs: readonly Netdev[]) {
    this.#netlink = netlink;
    this.#netdevs = new Map(netdevs.map((dev) => [dev.ifindex, dev]));
  }

  resolve({ address, ifindex: bound = 0 }: NextHopQuery): NextHop {
    const route = this.#routeTo(address, bound);
    const hop = this.#choose(route.hops.filter(({ ifindex }) => bound === 0 || ifindex === bound));
    if (hop === undefined) return { state: 'no-route' };
    const { ifindex } = hop;
    const gateway = hop.gateway.length === 0 ? address : formatAddress(hop.gateway);
    const neighbour = this.#neighbour(ifindex, gateway);
    if (neighbour !== undefined && (neighbour.state & NUD_FAILED) !== 0) return { state: 'failed', ifindex, gateway };
    if (neighbour === undefined || neighbour.mac.length !== 6) return { state: 'asking', ifindex, gateway };
    return { state: 'resolved', ifindex, gateway, mac: formatMac(neighbour.mac), mtu: this.#mtuOf(ifindex, route) };
  }

  /** Most looks at the network ask for none. */
  #neighbour(ifindex: number, address: string): NetNeighbour | undefined {
    this.#neighbours ??= neighboursOf(this.#netlink);
    return this.#neighbours.get(`${ifindex} ${address}`);
  }

  #routeTo(address: string, bound: number): Route {
    const { bytes } = parseAddress(address) ?? { bytes: undefined };
    if (bytes === undefined) return { hops: [], mtu: 0 };
    const { rc, type, hops, nexthop, mtu } = this.#netlink.netRouteGet(bytes, bound);
    // No route of IPv4 leads out of this device: the address is taken to be on its link, as the kernel does for a socket
    // that is bound to one (kernel-facts: fib-match-bound).
    const onLink = bound !== 0 && bytes.length === 4 && isErrno(rc, 'EHOSTUNREACH');
    if (onLink) return { hops: [{ ifindex: bound, gateway: new Uint8Array(), flags: 0 }], mtu: 0 };
    const none = NO_ROUTE.some((name) => isErrno(rc, name));
    if (!none) requireDone(rc, 'look up the route to', address);
    if (none || type !== RTN_UNICAST) return { hops: [], mtu: 0 };
    // What IPv6 answers of a next hop object may be another route that shares it (kernel-facts: shared-nexthop).
    const own = bytes.length === 4 || nexthop === 0;
    return { hops: hops.length === 0 ? this.#hopsOf(nexthop) : hops, mtu: own ? mtu : 0 };
  }

  /** Those of a next hop object, or of the members of a group, which are no groups. */
  #hopsOf(nexthop: number): readonly NetHop[] {
    const { hop, members } = this.#nexthop(nexthop);
    const found = members.length === 0 ? [hop] : members.map((id) => this.#nexthop(id).hop);
    return found.filter((it) => it !== null);
  }

  /** One that was removed since the route was told has no hops. */
  #nexthop(id: number): NetNexthop {
    const found = this.#netlink.netNexthopGet(id);
    if (!isErrno(found.rc, 'ENOENT')) requireDone(found.rc, 'look up the next hop object', `${id}`);
    return found;
  }

  /** The first that can be used now, or the first: always the same one of several, whatever the kernel would take. */
  #choose(hops: readonly NetHop[]): NetHop | undefined {
    const sorted = hops.toSorted((a, b) => a.ifindex - b.ifindex || Buffer.compare(a.gateway, b.gateway));
    return sorted.find((hop) => this.#usable(hop)) ?? sorted[0];
  }

  #usable({ ifindex, flags }: NetHop): boolean {
    const netdev = this.#netdevs.get(ifindex);
    return (flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) === 0 && netdev?.up === true && netdev.takesRedirects;
  }

  /** L3 bytes. A route may allow less than its device takes, never more. */
  #mtuOf(ifindex: number, { mtu }: Route): number {
    const most = this.#netdevs.get(ifindex)?.mtu ?? 0;
    return mtu === 0 ? most : Math.min(mtu, most);
  }
}

function neighboursOf(netlink: Pick<Native, 'netNeighbours'>): Map<string, NetNeighbour> {
  const { rc, items } = whole(() => netlink.netNeighbours());
  requireDone(rc, 'rtnetlink dump', 'neighbours');
  return new Map(items.map((it) => [`${it.ifindex} ${formatAddress(it.address)}`, it]));
}
