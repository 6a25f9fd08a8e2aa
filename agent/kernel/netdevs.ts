import type { Native, NetLink, NetNeighbour } from '../../native/index.ts';
import { formatAddress, parseAddress } from '../../protocol/address.ts';
import { KernelError } from '../model/kernel-error.ts';
import type { Netdev, NextHop, NextHopQuery } from '../model/network.ts';
import { errnoName } from './errno.ts';
import { formatMac } from './layout.ts';

const IFF_UP = 0x1;
const ARPHRD_ETHER = 1;
/** include/uapi/linux/netdev.h, NETDEV_XDP_ACT_NDO_XMIT; since Linux 6.3. */
const NDO_XMIT = 4n;
const XDP_ATTACHED = { native: 1, generic: 2 } as const;
const RTN_UNICAST = 1;
/** include/uapi/linux/neighbour.h */
const NUD_FAILED = 0x20;

/** What the loader says of ingress interfaces: zone by ifindex, and the id of the attached program. */
export interface Ingress {
  readonly zones: ReadonlyMap<number, number>;
  readonly program: number;
}

type Netlink = Pick<Native, 'netLinks' | 'netFeatures' | 'netNeighbours' | 'netRouteGet'>;

/** Lists the Ethernet devices of our namespace. Errors: KernelError. */
export function observeNetdevs(netlink: Netlink, ingress: Ingress): Netdev[] {
  const links = netlink.netLinks();
  if (links.rc < 0) throw new KernelError('rtnetlink dump', 'links', errnoName(links.rc));
  const ethernet = links.items.filter((link) => link.type === ARPHRD_ETHER);
  const attachedOf = (link: NetLink): Netdev['attached'] => attachment(link, ingress);
  const native = ethernet.some((link) => attachedOf(link) === 'native');
  const able = ndoXmit(netlink);
  return ethernet.map((link) => ({
    ifindex: link.ifindex,
    name: link.name,
    mac: formatMac(link.mac),
    mtu: link.mtu,
    up: (link.flags & IFF_UP) !== 0 && link.carrier,
    takesRedirects: !native || able === undefined || able.has(link.ifindex),
    attached: attachedOf(link),
    zone: ingress.zones.get(link.ifindex) ?? 0,
  }));
}

function attachment(link: NetLink, ingress: Ingress): Netdev['attached'] {
  if (link.xdpMode === 0) return 'none';
  if (link.xdpProgramId !== ingress.program) return 'foreign';
  return link.xdpMode === XDP_ATTACHED.generic ? 'generic' : 'native';
}

/**
 * The devices whose driver sends frames redirected natively; undefined where the kernel does not say (before 6.3).
 * Generic XDP sends as an ordinary skb and needs none of this.
 */
export function ndoXmit(netlink: Pick<Native, 'netFeatures'>): ReadonlySet<number> | undefined {
  const features = netlink.netFeatures();
  if (features.rc < 0) return undefined;
  return new Set(features.items.filter((it) => (it.xdp & NDO_XMIT) !== 0n).map((it) => it.ifindex));
}

/** The neighbour table as it stood, by device and address. */
export class Neighbours {
  readonly #table = new Map<string, NetNeighbour>();

  constructor(netlink: Pick<Native, 'netNeighbours'>) {
    for (const it of netlink.netNeighbours().items) this.#table.set(`${it.ifindex} ${formatAddress(it.address)}`, it);
  }

  find(ifindex: number, address: string): NetNeighbour | undefined {
    return this.#table.get(`${ifindex} ${address}`);
  }
}

/** Answers where packets for an address leave now. `mtuOf` gives a device's own MTU. */
export function resolveNextHop(
  netlink: Pick<Native, 'netRouteGet'>,
  neighbours: Neighbours,
  mtuOf: (ifindex: number) => number,
  query: NextHopQuery,
): NextHop {
  const address = parseAddress(query.address);
  if (address === undefined) return { state: 'no-route' };
  const route = netlink.netRouteGet(address.bytes, query.ifindex ?? 0);
  if (route.rc < 0 || route.type !== RTN_UNICAST) return { state: 'no-route' };
  const gateway = route.gateway.length === 0 ? query.address : formatAddress(route.gateway);
  const { ifindex } = route;
  const neighbour = neighbours.find(ifindex, gateway);
  if (neighbour !== undefined && (neighbour.state & NUD_FAILED) !== 0) return { state: 'failed', ifindex, gateway };
  if (neighbour === undefined || neighbour.mac.length !== 6) return { state: 'asking', ifindex, gateway };
  const mtu = route.mtu === 0 ? mtuOf(ifindex) : route.mtu;
  return { state: 'resolved', ifindex, gateway, mac: formatMac(neighbour.mac), mtu };
}
