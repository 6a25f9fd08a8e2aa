/** Builds frames byte by byte. What is not given has a sound default, so that a test says only what it is about. */
import { parseAddress } from '../../protocol/address.ts';

export const HOST_MAC = '02:00:00:00:00:aa';
export const SENDER_MAC = '02:00:00:00:00:bb';
export const TCP = 6;
export const UDP = 17;
export const ICMP = 1;
export const ICMP6 = 58;
export const HOP_BY_HOP = 0;
export const ROUTING = 43;
export const FRAGMENT = 44;
export const ESP = 50;
export const AUTHENTICATION = 51;
export const NO_NEXT = 59;
export const DESTINATION_OPTIONS = 60;
export const MOBILITY = 135;
export const MORE_FRAGMENTS = 0x2000;

export interface Frame {
  readonly dst?: string;
  readonly src?: string;
  /** TPIDs of the tags, outermost first. */
  readonly tags?: readonly number[];
  /** Their VLAN ids; each its own by default. */
  readonly vlans?: readonly number[];
  /** Of what is carried; by default what the payload's first nibble says. */
  readonly type?: number;
  /** Bytes behind the payload. */
  readonly padding?: number;
}

/** An Ethernet frame without FCS. */
export function frame(
  payload: Uint8Array,
  { dst = HOST_MAC, src = SENDER_MAC, tags = [], vlans, type, padding = 0 }: Frame = {},
): Uint8Array {
  const carried = type ?? ((payload[0] ?? 0) >> 4 === 6 ? 0x86dd : 0x0800);
  const words = tags.flatMap((tpid, index) => [...u16(tpid), ...u16(vlans?.[index] ?? 0x0065 + index)]);
  return join(macBytes(dst), macBytes(src), words, u16(carried), payload, new Uint8Array(padding).fill(0xff));
}

export interface Ipv4 {
  readonly src?: string;
  readonly dst?: string;
  readonly proto?: number;
  readonly ttl?: number;
  /** The flags and fragment offset word. */
  readonly fragment?: number;
  /** A multiple of 4 bytes. */
  readonly options?: Uint8Array;
  readonly totalLength?: number;
  readonly version?: number;
  /** In words of 4 bytes. */
  readonly headerWords?: number;
}

/** An IPv4 packet with a correct header checksum. */
export function ipv4(payload: Uint8Array, given: Ipv4 = {}): Uint8Array {
  const { src = '198.51.100.7', dst = '203.0.113.10', proto = UDP, ttl = 64, fragment = 0, version = 4 } = given;
  const options = given.options ?? new Uint8Array();
  const words = given.headerWords ?? 5 + options.length / 4;
  const length = given.totalLength ?? 20 + options.length + payload.length;
  const fixed = [(version << 4) | words, 0, ...u16(length), 0x12, 0x34, ...u16(fragment), ttl, proto, 0, 0];
  const header = join(fixed, addressBytes(src), addressBytes(dst), options);
  header.set(u16(internetChecksum(header)), 10);
  return join(header, payload);
}

/** One extension header: its own type and its bytes, the first of which becomes the next header. */
export interface Extension {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** A hop-by-hop, routing, destination options or mobility header of so many bytes, a multiple of 8. */
export function extension(type: number, length = 8): Extension {
  const bytes = new Uint8Array(length);
  bytes[1] = length / 8 - 1;
  return { type, bytes };
}

/** An Authentication header of so many bytes, a multiple of 4 and at least 12. */
export function authentication(length = 24): Extension {
  const bytes = new Uint8Array(length);
  bytes[1] = length / 4 - 2;
  return { type: AUTHENTICATION, bytes };
}

/** A Fragment header; `offset` in units of 8 bytes. Its reserved byte is set: it is not a length. */
export function fragmentHeader(offset: number, more: boolean): Extension {
  return { type: FRAGMENT, bytes: Uint8Array.from([0, 0xff, ...u16((offset << 3) | Number(more)), 0, 0, 0, 1]) };
}

export interface Ipv6 {
  readonly src?: string;
  readonly dst?: string;
  readonly next?: number;
  readonly hops?: number;
  readonly extensions?: readonly Extension[];
  readonly payloadLength?: number;
  readonly version?: number;
}

/** An IPv6 packet with its chain of extension headers. */
export function ipv6(payload: Uint8Array, given: Ipv6 = {}): Uint8Array {
  const { src = '2001:db8:1::7', dst = '2001:db8:2::10', next = UDP, hops = 64, extensions = [], version = 6 } = given;
  const types = [...extensions.map(({ type }) => type), next];
  const chain = extensions.map(({ bytes }, index) => Uint8Array.from([types[index + 1] ?? 0, ...bytes.subarray(1)]));
  const body = join(...chain, payload);
  const fixed = [version << 4, 0, 0, 0, ...u16(given.payloadLength ?? body.length), types[0] ?? 0, hops];
  return join(fixed, addressBytes(src), addressBytes(dst), body);
}

/** A UDP datagram without checksum. */
export function udp(sport = 40000, dport = 443, data = new Uint8Array(8)): Uint8Array {
  return join(u16(sport), u16(dport), u16(8 + data.length), [0, 0], data);
}

/** A TCP segment without checksum. */
export function tcp(sport = 40000, dport = 443): Uint8Array {
  return join(u16(sport), u16(dport), new Uint8Array(8), [0x50, 0x02], new Uint8Array(6));
}

/** An ICMP or ICMPv6 message of a type, without checksum. */
export function icmp(type: number): Uint8Array {
  return join([type], new Uint8Array(7));
}

/** What should leave: new MACs and, unless `keepTtl`, one hop less with the IPv4 checksum summed anew. */
export function forwarded(bytes: Uint8Array, dmac: string, smac: string, keepTtl = false): Uint8Array {
  const out = Uint8Array.from(bytes);
  out.set(macBytes(dmac), 0);
  out.set(macBytes(smac), 6);
  if (keepTtl) return out;
  let l3 = 14;
  while (out[l3 - 2] === 0x81 || out[l3 - 2] === 0x88) l3 += 4;
  const ip = out.subarray(l3);
  if ((ip[0] ?? 0) >> 4 === 6) {
    ip[7] = (ip[7] ?? 0) - 1;
    return out;
  }
  ip[8] = (ip[8] ?? 0) - 1;
  ip.set([0, 0], 10);
  ip.set(u16(internetChecksum(ip.subarray(0, ((ip[0] ?? 0) & 15) * 4))), 10);
  return out;
}

/** RFC 1071, over an even number of bytes. */
export function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export function addressBytes(text: string): Uint8Array {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is not an address`);
  return address.bytes;
}

function macBytes(text: string): number[] {
  return text.split(':').map((byte) => Number.parseInt(byte, 16));
}

export function u16(value: number): [high: number, low: number] {
  return [(value >> 8) & 0xff, value & 0xff];
}

function join(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
