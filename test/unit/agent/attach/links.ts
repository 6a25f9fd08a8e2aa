import type { NetLink } from '../../../../native/index.ts';

const UP = 0x1;

/** A link of the kernel's list, an Ethernet device that is up unless said otherwise. */
export function link(ifindex: number, name: string, more: Partial<NetLink> = {}): NetLink {
  return {
    ifindex,
    name,
    flags: UP,
    operState: 6,
    carrier: true,
    carrierDowns: 0,
    mtu: 1500,
    mac: new Uint8Array(6),
    type: 1,
    kind: null,
    master: 0,
    link: 0,
    linkNamespace: null,
    xdpMode: 0,
    xdpProgramId: 0,
    ...more,
  };
}
