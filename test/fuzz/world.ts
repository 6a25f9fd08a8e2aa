/** Few of everything, so that frames and redirects of one run meet often, and where bits differ. */
import type { Family } from '../../protocol/address.ts';
import { type Draw, flipBit } from './draw.ts';

/** Interfaces of the namespace in which the program runs, by ifindex. */
export const INTERFACES = [1, 7, 300] as const;
export const SLOTS = 64;

export interface World {
  readonly addresses: Readonly<Record<Family, readonly Uint8Array[]>>;
  readonly ports: readonly number[];
  readonly protos: readonly number[];
  /** Of stations to which redirects send, and of others. */
  readonly macs: readonly Uint8Array[];
  readonly otherMacs: readonly Uint8Array[];
  /** Of packets, from the IP header on. */
  readonly lengths: readonly number[];
}

const ADDRESSES = 5;
const [TCP, UDP] = [6, 17];
/** ICMP in both families, GRE, extension headers, ESP, no next header, HIP, SCTP, UDP-Lite, an experiment. */
const OTHER_PROTOS = [1, 58, 47, 0, 43, 44, 51, 60, 135, 50, 59, 139, 132, 136, 253, 255] as const;

export function drawWorld(draw: Draw): World {
  return {
    addresses: { 4: drawAddresses(draw, draw.bytes(4)), 6: drawAddresses(draw, drawIpv6(draw)) },
    ports: [draw.of([0, 1, 255, 256, 0xffff]), draw.below(0x10000), draw.below(0x10000)],
    protos: [TCP, UDP, UDP, draw.of(OTHER_PROTOS), draw.of(OTHER_PROTOS)],
    macs: drawMacs(draw),
    otherMacs: drawMacs(draw),
    lengths: [draw.between(40, 80), draw.between(60, 140), draw.between(60, 140)],
  };
}

/** Each differs from one of those before it in one bit. */
function drawAddresses(draw: Draw, first: Uint8Array): Uint8Array[] {
  const all = [first];
  while (all.length < ADDRESSES) all.push(flipBit(draw.of(all), draw.below(first.length * 8)));
  return all;
}

/** Never one that stands for an IPv4 address: those can not be written as a redirect. */
function drawIpv6(draw: Draw): Uint8Array {
  const bytes = draw.bytes(16);
  bytes[0] = 0x20;
  bytes[5] = 0x55;
  return bytes;
}

/** Of stations, and one that differs from another in one bit. */
function drawMacs(draw: Draw): Uint8Array[] {
  const some = draw.list(3, () => {
    const mac = draw.bytes(6);
    mac[0] = (mac[0] ?? 0) & 0xfe;
    return mac;
  });
  return [...some, flipBit(draw.of(some), draw.of([0, 6, 8, 23, 31, 39, 40, 46, 47]))];
}
