import type { Native, NetLink } from '../../native/index.ts';
import { shellWord } from '../../protocol/plain.ts';
import { TX_TAG_OFFLOADS } from '../kernel/vlan-tags.ts';
import { netnsNames, netnsPath } from './netns.ts';

/** The far end of a veth, as far as it is in reach: here, or in a network namespace that has a name. */
export interface Sender {
  readonly name: string;
  /** The name of its network namespace; absent for ours. */
  readonly netns?: string;
  /** Offloads by which it leaves VLAN tags beside the frame, where the program does not see them. */
  readonly offloads: readonly string[];
}

type Netlink = Pick<Native, 'netOffloads' | 'netNamespaceId'>;

/** Looks at who sends to a veth; undefined where that is not to be seen by this user, or from here. */
export function senderTo(netlink: Netlink, { link, linkNamespace }: NetLink): Sender | undefined {
  if (linkNamespace === null) return senderIn(netlink, link, undefined);
  const netns = netnsNames().find((name) => netlink.netNamespaceId(netnsPath(name)).id === linkNamespace);
  return netns === undefined || linkNamespace < 0 ? undefined : senderIn(netlink, link, netns);
}

function senderIn(netlink: Netlink, ifindex: number, netns: string | undefined): Sender | undefined {
  const { rc, name, active } = netlink.netOffloads(ifindex, netns === undefined ? null : netnsPath(netns));
  if (rc < 0) return undefined;
  const offloads = TX_TAG_OFFLOADS.filter((offload) => active.includes(offload));
  return { name, ...(netns !== undefined && { netns }), offloads };
}

/** The command that makes a sender write its tags into the frame. */
export function tagCommand({ name, netns, offloads }: Sender): string {
  const inside = netns === undefined ? '' : `nsenter --net=${shellWord(netnsPath(netns))} `;
  return `${inside}ethtool -K ${shellWord(name)} ${offloads.map((offload) => `${offload} off`).join(' ')}`;
}
