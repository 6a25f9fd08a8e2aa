import type { NetLink } from '../../native/index.ts';

/** Who may hand the program packets that are longer than the egress takes, or else spoiled, and how that ends. */
export interface Advice {
  readonly why: string;
  readonly mend: string;
}

/** Devices on top of others, at which GRO has been done when generic XDP comes to run. */
const STACKED = ['bridge', 'vlan', 'bond', 'team', 'macvlan'];
const AT_SENDER = 'at the far end: ethtool -K IF tx off';

/** What senders behind a device may do that spoils redirects, by how the program is attached; undefined where nothing is known. */
export function adviceFor({ kind }: Pick<NetLink, 'kind'>, mode: 'native' | 'generic'): Advice | undefined {
  if (kind === 'veth' && mode === 'native')
    return {
      why: 'the kernel keeps segmentation offload off at the far end; checksum offload there breaks what is redirected',
      mend: AT_SENDER,
    };
  if (kind === 'veth' || kind === 'tun')
    return { why: 'packets that the far end leaves unsegmented are passed, not redirected', mend: AT_SENDER };
  if (STACKED.includes(kind ?? '') && mode === 'generic')
    return {
      why: 'packets that GRO merged below are passed, not redirected',
      mend: 'on each device below: ethtool -K IF gro off',
    };
  return undefined;
}
