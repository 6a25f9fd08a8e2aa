import type { Native, NetLink } from '../../native/index.ts';
import { errnoName } from './errno.ts';

/** The kernel's names of what ethtool calls rx-vlan-offload, and of the same for S-tags. */
export const RX_TAG_OFFLOADS: readonly string[] = ['rx-vlan-hw-parse', 'rx-vlan-stag-hw-parse'];
export const TX_TAG_OFFLOADS: readonly string[] = ['tx-vlan-hw-insert', 'tx-vlan-stag-hw-insert'];

/** Two ends without a wire: what is sent comes in as the sender left it. */
const PAIRS: readonly string[] = ['veth', 'netkit'];
/** Frames are written into it, whole. */
const WRITTEN: readonly string[] = ['tun'];
/** Fed by the kernel behind the point at which it takes the tag out of a frame (test/kernel/vlan-tags.test.ts). */
const STACKED: readonly string[] = ['bridge', 'bond', 'team', 'macvlan', 'macvtap', 'ipvlan', 'ipvtap'];

/** An offload of a device that takes tags out of frames before a program sees them. */
export interface TagOffload {
  readonly ifindex: number;
  readonly device: string;
  readonly name: string;
  /** Its driver lets nobody switch it off. */
  readonly fixed: boolean;
}

/** Who takes VLAN tags away before the program sees the frame: a hidden tag reads as none, and is lost or kept by chance. */
export type TagTaker =
  | { readonly by: 'nobody' }
  /** The driver of the interface, by these offloads; none of them: it leaves them in. */
  | { readonly by: 'driver'; readonly offloads: readonly TagOffload[] }
  | { readonly by: 'stack' }
  /** Whoever sends to it decides. */
  | { readonly by: 'sender' }
  /** The kernel does not say what the driver does. */
  | { readonly by: 'unknown'; readonly errno: string };

type Netlink = Pick<Native, 'netOffloads'>;

/** Looks up who takes the tags of what comes in by an interface that has the program in this mode. */
export function tagTaker(
  netlink: Netlink,
  link: NetLink,
  links: readonly NetLink[],
  mode: 'native' | 'generic',
): TagTaker {
  const kind = link.kind ?? '';
  if (WRITTEN.includes(kind)) return { by: 'nobody' };
  if (PAIRS.includes(kind)) return { by: 'sender' };
  if (mode === 'generic' && STACKED.includes(kind)) return { by: 'stack' };
  const found = receivers(link, links).map(({ ifindex }) => tagOffloads(netlink, ifindex));
  const unknown = found.find((one) => typeof one === 'string');
  if (typeof unknown === 'string') return { by: 'unknown', errno: unknown };
  return { by: 'driver', offloads: found.flatMap((one) => (typeof one === 'string' ? [] : one)) };
}

/** True when tags are known to be hidden by what is on this host. */
export function hidesTags(taker: TagTaker): boolean {
  return taker.by === 'stack' || (taker.by === 'driver' && taker.offloads.length > 0);
}

/** A bond runs the program in the drivers of its members. */
function receivers(link: NetLink, links: readonly NetLink[]): readonly NetLink[] {
  return link.kind === 'bond' ? links.filter(({ master }) => master === link.ifindex) : [link];
}

/** The offloads of a device that take tags now; or the errno of asking. */
function tagOffloads(netlink: Netlink, ifindex: number): readonly TagOffload[] | string {
  const { rc, name: device, active, changeable } = netlink.netOffloads(ifindex, null);
  if (rc < 0) return errnoName(rc);
  return RX_TAG_OFFLOADS.filter((name) => active.includes(name)).map((name) => {
    return { ifindex, device, name, fixed: !changeable.includes(name) };
  });
}
