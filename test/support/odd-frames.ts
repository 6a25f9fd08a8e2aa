/** Frames that are legal and rare, or broken: the table of frames in docs/redirects.md, row by row. */
import type { Verdict } from '../../agent/kernel/abi.ts';
import {
  AUTHENTICATION,
  authentication,
  DESTINATION_OPTIONS,
  ESP,
  extension,
  fragmentHeader,
  frame,
  HOP_BY_HOP,
  ICMP6,
  icmp,
  ipv4,
  ipv6,
  MOBILITY,
  MORE_FRAGMENTS,
  NO_NEXT,
  ROUTING,
  udp,
} from './packets.ts';

/** The most that is known of a frame, and so what can match it; or the verdict with which it passes. */
export type Known = 'ports' | 'protocol' | 'addresses' | Verdict;

export interface FrameRow {
  /** The first cell of the row. */
  readonly says: string;
  readonly known: Known;
  readonly frames: readonly Uint8Array[];
  /** The protocol that redirects of each frame name, where it is not UDP. */
  readonly protos?: readonly number[];
  /** Each as it leaves but for MACs and one hop, where that is not as it came. */
  readonly leaves?: readonly Uint8Array[];
}

const [C_TAG, S_TAG] = [0x8100, 0x88a8];
const BROADCAST_MAC = 'ff:ff:ff:ff:ff:ff';
const both = (make: (packet: Uint8Array) => Uint8Array) => [make(ipv4(udp())), make(ipv6(udp()))];
const behind = (headers: Parameters<typeof extension>[], payloadLength?: number) => {
  const extensions = headers.map((header) => extension(...header));
  return frame(ipv6(udp(), { extensions, ...(payloadLength !== undefined && { payloadLength }) }));
};
const fragment = (offset: number, more: boolean) => frame(ipv6(udp(), { extensions: [fragmentHeader(offset, more)] }));
const options = (count: number) => Array.from({ length: count }, (): [number] => [DESTINATION_OPTIONS]);

const PRIORITY_TAGS = [[C_TAG], [S_TAG], [S_TAG, C_TAG]].flatMap((tags) =>
  [0, 0xe000, 0x1000].map((tci) => ({ tags, vlans: tags.map(() => tci) })),
);

/** RFC 2675: an option says the length. A test-run takes no frame that is as long as a jumbogram has to be. */
function jumbogram(dataBytes: number): Uint8Array {
  const jumbo = extension(HOP_BY_HOP);
  jumbo.bytes.set([0xc2, 4, 0, 1, 0, 0], 2);
  return frame(ipv6(udp(40000, 443, new Uint8Array(dataBytes)), { extensions: [jumbo], payloadLength: 0 }));
}

const ETHERNET: readonly FrameRow[] = [
  { says: 'padding behind the packet', known: 'ports', frames: both((packet) => frame(packet, { padding: 18 })) },
  {
    says: 'one or two tags, all with VLAN id 0',
    known: 'ports',
    frames: PRIORITY_TAGS.flatMap((tags) => both((packet) => frame(packet, tags))),
    leaves: PRIORITY_TAGS.flatMap(() => both((packet) => frame(packet))),
  },
  {
    says: 'one or two tags, one of a VLAN',
    known: 'VLAN',
    frames: [
      ...both((packet) => frame(packet, { tags: [C_TAG] })),
      ...both((packet) => frame(packet, { tags: [C_TAG], vlans: [0xefff] })),
      ...both((packet) => frame(packet, { tags: [S_TAG, C_TAG], vlans: [0, 100] })),
      ...both((packet) => frame(packet, { tags: [S_TAG, C_TAG], vlans: [100, 0] })),
    ],
  },
  {
    says: 'three tags, or one of a type before the standard (0x9100)',
    known: 'NOT_IP',
    frames: [
      ...both((packet) => frame(packet, { tags: [S_TAG, C_TAG, C_TAG], vlans: [0, 0, 0] })),
      ...both((packet) => frame(packet, { tags: [0x9100], vlans: [0] })),
    ],
  },
  {
    says: 'a length instead of a type: 802.3, LLC, SNAP',
    known: 'NOT_IP',
    frames: both((packet) => {
      const snap = Uint8Array.from([0xaa, 0xaa, 3, 0, 0, 0, 8, 0, ...packet]);
      return frame(snap, { type: snap.length });
    }),
  },
  {
    says: 'ARP, MPLS, PPPoE, MACsec, any other type',
    known: 'NOT_IP',
    frames: [0x0806, 0x8847, 0x8864, 0x88e5, 0x88b5].map((type) => frame(ipv4(udp()), { type })),
  },
  {
    says: 'a broadcast or multicast MAC',
    known: 'GROUP',
    frames: [BROADCAST_MAC, '33:33:00:00:00:01', '01:00:5e:00:00:01'].flatMap((dst) =>
      both((packet) => frame(packet, { dst })),
    ),
  },
  {
    says: 'multicast behind the MAC of one station',
    known: 'ports',
    frames: [frame(ipv6(udp(), { dst: 'ff02::1' })), frame(ipv4(udp(), { dst: '224.0.0.1' }))],
  },
];

const EITHER: readonly FrameRow[] = [
  {
    says: 'a length less than the header or beyond the frame, another version than the type',
    known: 'MALFORMED',
    frames: [
      frame(ipv4(udp(), { totalLength: 19 })),
      frame(ipv4(udp(), { totalLength: 37 })),
      frame(ipv4(udp(), { headerWords: 4 })),
      frame(ipv4(udp(), { version: 6 }), { type: 0x0800 }),
      frame(ipv6(udp(), { payloadLength: 17 })),
      frame(ipv6(udp(), { version: 4 }), { type: 0x86dd }),
      frame(ipv6(udp()).subarray(0, 39)),
    ],
  },
  {
    says: 'TTL or hop limit 1 or 0',
    known: 'TTL',
    frames: [0, 1].flatMap((left) => [frame(ipv4(udp(), { ttl: left })), frame(ipv6(udp(), { hops: left }))]),
  },
  { says: 'UDP from port 0', known: 'ports', frames: [frame(ipv4(udp(0))), frame(ipv6(udp(0)))] },
  {
    says: 'a packet that ends before its ports',
    known: 'protocol',
    frames: [frame(ipv4(udp().subarray(0, 3))), frame(ipv6(udp().subarray(0, 3)))],
  },
];

const IPV4: readonly FrameRow[] = [
  {
    says: 'IPv4 options: source routes, router alert, as many as there may be',
    known: 'ports',
    frames: [[131, 7, 4, 192, 0, 2, 1, 0], [148, 4, 0, 0], Array.from({ length: 40 }, () => 1)].map((bytes) =>
      frame(ipv4(udp(), { options: Uint8Array.from(bytes) })),
    ),
  },
  {
    says: 'IPv4, not to be fragmented, or with the reserved flag',
    known: 'ports',
    frames: [0x4000, 0x8000, 0xc000].map((flags) => frame(ipv4(udp(), { fragment: flags }))),
  },
  {
    says: 'an IPv4 fragment: first, later, last',
    known: 'protocol',
    frames: [MORE_FRAGMENTS, MORE_FRAGMENTS | 1, 0x1fff].map((word) => frame(ipv4(udp(), { fragment: word }))),
  },
  {
    says: 'AH or ESP in IPv4',
    known: 'protocol',
    frames: [AUTHENTICATION, ESP].map((proto) => frame(ipv4(udp(), { proto }))),
    protos: [AUTHENTICATION, ESP],
  },
];

const ENDS = [ESP, NO_NEXT, 139, 140, 253, 254];
const LONGEST: Parameters<typeof extension>[] = [[HOP_BY_HOP], [DESTINATION_OPTIONS], [ROUTING, 24], [MOBILITY]];

const IPV6: readonly FrameRow[] = [
  {
    says: 'up to six headers before the protocol: hop-by-hop, destination options, routing, AH, mobility',
    known: 'ports',
    frames: [
      ...[HOP_BY_HOP, DESTINATION_OPTIONS, ROUTING, MOBILITY].flatMap((type) => [
        behind([[type]]),
        behind([[type, 64]]),
      ]),
      frame(ipv6(udp(), { extensions: [authentication(24)] })),
      behind(options(6)),
      behind(LONGEST),
    ],
  },
  { says: 'a seventh', known: 'addresses', frames: [behind(options(7))] },
  {
    says: 'one of them beyond the length of the packet',
    known: 'addresses',
    frames: [0, 7, 23].map((length) => behind([[DESTINATION_OPTIONS, 24]], length)),
  },
  {
    says: 'ESP, no next header, HIP, Shim6, experiments (50, 59, 139, 140, 253, 254)',
    known: 'protocol',
    frames: ENDS.map((next) => frame(ipv6(udp(), { next, extensions: [extension(DESTINATION_OPTIONS)] }))),
    protos: ENDS,
  },
  {
    says: 'an IPv6 fragment: first, later, last',
    known: 'protocol',
    frames: [fragment(0, true), fragment(1, true), fragment(9, false)],
  },
  { says: 'the only fragment (atomic)', known: 'ports', frames: [fragment(0, false)] },
  {
    says: 'a fragment without the header that names the protocol',
    known: 'addresses',
    frames: [
      frame(ipv6(udp(), { extensions: [fragmentHeader(9, true), extension(DESTINATION_OPTIONS)] })),
      frame(
        ipv6(udp(), { extensions: [fragmentHeader(0, true), extension(DESTINATION_OPTIONS, 24)], payloadLength: 16 }),
      ),
    ],
  },
  { says: 'a jumbogram', known: 'ports', frames: [jumbogram(8), jumbogram(1000)] },
  { says: 'a jumbogram that is longer than the egress takes', known: 'TOO_BIG', frames: [jumbogram(2000)] },
  {
    says: 'neighbour discovery, MLD',
    known: 'NEIGHBOUR',
    frames: [130, 133, 134, 135, 136, 137, 143].flatMap((type) =>
      [[], [extension(HOP_BY_HOP)], [fragmentHeader(0, false)]].map((extensions) =>
        frame(ipv6(icmp(type), { next: ICMP6, extensions })),
      ),
    ),
  },
];

export const FRAME_ROWS: readonly FrameRow[] = [...ETHERNET, ...EITHER, ...IPV4, ...IPV6];
