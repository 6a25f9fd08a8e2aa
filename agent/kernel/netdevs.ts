import type { Native, NetLink } from '../../native/index.ts';
import type { Netdev } from '../model/network.ts';
import { whole } from './dump.ts';
import { errnoName, isErrno, requireDone } from './errno.ts';
import { formatMac } from './layout.ts';
import { hidesTags, tagTaker } from './vlan-tags.ts';

const IFF_UP = 0x1;
const ARPHRD_ETHER = 1;
/** include/uapi/linux/netdev.h, NETDEV_XDP_ACT_NDO_XMIT; since Linux 6.3. */
const NDO_XMIT = 4n;
const XDP_ATTACHED = { native: 1, generic: 2 } as const;

/** What the loader says of ingress interfaces: zone by ifindex, and the ids of programs that are ours. */
export interface Ingress {
  readonly zones: ReadonlyMap<number, number>;
  readonly programs: readonly number[];
}

type Netlink = Pick<Native, 'netLinks' | 'netFeatures' | 'netOffloads'>;

/** Lists the devices of our namespace. Errors: KernelError. */
export function observeLinks(netlink: Pick<Native, 'netLinks'>): readonly NetLink[] {
  const { rc, items } = whole(() => netlink.netLinks());
  requireDone(rc, 'rtnetlink dump', 'links');
  return items;
}

/** The names of those that are no Ethernet, by ifindex. */
export function notEthernet(links: readonly NetLink[]): ReadonlyMap<number, string> {
  return new Map(links.filter(({ type }) => type !== ARPHRD_ETHER).map(({ ifindex, name }) => [ifindex, name]));
}

/** What the Ethernet devices among them are. Errors: KernelError. */
export function observeNetdevs(
  netlink: Netlink,
  ingress: Ingress,
  links = observeLinks(netlink),
  addresses: ReadonlyMap<string, readonly string[]> = new Map(),
): Netdev[] {
  const ethernet = links.filter((link) => link.type === ARPHRD_ETHER);
  const attachedOf = (link: NetLink): Netdev['attached'] => attachment(link, ingress);
  const native = ethernet.some((link) => attachedOf(link) === 'native');
  const able = ndoXmit(netlink);
  return ethernet.map((link) => ({
    ifindex: link.ifindex,
    name: link.name,
    mac: formatMac(link.mac),
    mtu: link.mtu,
    up: (link.flags & IFF_UP) !== 0 && link.carrier,
    carrierDowns: link.carrierDowns,
    takesRedirects: !native || able === undefined || able.has(link.ifindex),
    attached: attachedOf(link),
    zone: ingress.zones.get(link.ifindex) ?? 0,
    ...hiddenTags(netlink, link, links, attachedOf(link)),
    ...addressesOf(link, addresses),
  }));
}

/** By what is on this host: who sends to a veth is asked by the loader and by `doctor`. */
function hiddenTags(
  netlink: Netlink,
  link: NetLink,
  links: readonly NetLink[],
  attached: Netdev['attached'],
): Pick<Netdev, 'hidesTags'> {
  if (attached !== 'native' && attached !== 'generic') return {};
  return hidesTags(tagTaker(netlink, link, links, attached)) ? { hidesTags: true } : {};
}

function addressesOf({ name }: NetLink, all: ReadonlyMap<string, readonly string[]>): Pick<Netdev, 'addresses'> {
  const addresses = all.get(name) ?? [];
  return addresses.length === 0 ? {} : { addresses };
}

function attachment(link: NetLink, ingress: Ingress): Netdev['attached'] {
  if (link.xdpMode === 0) return 'none';
  if (!ingress.programs.includes(link.xdpProgramId)) return 'foreign';
  return link.xdpMode === XDP_ATTACHED.generic ? 'generic' : 'native';
}

/** Why the kernel does not say what its drivers can do; before 6.3 it has no such family of generic netlink. */
export function whyUntold(rc: number): string {
  return isErrno(rc, 'ENOENT') ? 'before 6.3' : errnoName(rc);
}

/**
 * The devices whose driver sends frames redirected natively; undefined where the kernel does not say.
 * Generic XDP sends as an ordinary skb and needs none of this.
 */
export function ndoXmit(netlink: Pick<Native, 'netFeatures'>): ReadonlySet<number> | undefined {
  const features = whole(() => netlink.netFeatures());
  if (features.rc < 0) return undefined;
  return new Set(features.items.filter((it) => (it.xdp & NDO_XMIT) !== 0n).map((it) => it.ifindex));
}
