/** What IP says of a packet, and what a redirect can ask of it. */
import type { Family } from '../../protocol/address.ts';
import { type Link, u8, u16 } from './link.ts';
import { upperLayer } from './upper-layer.ts';

const [TCP, UDP, ICMP6, HOP_BY_HOP] = [6, 17, 58, 0];

export interface Packet {
  readonly family: Family;
  /** In bytes, from the IP header on: what follows in the frame is padding. */
  readonly length: number;
  /** TTL or hop limit. */
  readonly hops: number;
  readonly src: Uint8Array;
  readonly dst: Uint8Array;
  /** Left out where it is not known. */
  readonly proto?: number;
  readonly ports?: Ports;
  /** Neighbour discovery or MLD, without which the link would not work. */
  readonly isOfLink: boolean;
}

interface Ports {
  readonly sport: number;
  readonly dport: number;
}

/** Of a frame that carries IP; undefined where its lengths or its version contradict the rest of it. */
export function readPacket({ carries, payload }: Link): Packet | undefined {
  return carries === 'IPv4' ? readIpv4(payload) : readIpv6(payload);
}

/** RFC 791. */
function readIpv4(bytes: Uint8Array): Packet | undefined {
  if (bytes.length < 20 || version(bytes) !== 4) return undefined;
  const [headerLength, length] = [(u8(bytes, 0) & 15) * 4, u16(bytes, 2)];
  if (headerLength < 20 || length < headerLength || bytes.length < length) return undefined;
  const [moreFragments, offset] = [(u16(bytes, 6) & 0x2000) !== 0, u16(bytes, 6) & 0x1fff];
  const isWhole = !moreFragments && offset === 0;
  const proto = u8(bytes, 9);
  return {
    family: 4,
    length,
    hops: u8(bytes, 8),
    src: bytes.subarray(12, 16),
    dst: bytes.subarray(16, 20),
    proto,
    ...(isWhole && readPorts(proto, bytes.subarray(headerLength, length))),
    isOfLink: false,
  };
}

/** RFC 8200. */
function readIpv6(bytes: Uint8Array): Packet | undefined {
  if (bytes.length < 40 || version(bytes) !== 6) return undefined;
  const [payloadLength, next] = [u16(bytes, 4), u8(bytes, 6)];
  // RFC 2675: a jumbogram does not say its length here. It is as long as its frame.
  const isJumbogram = payloadLength === 0 && next === HOP_BY_HOP;
  const length = isJumbogram ? bytes.length : 40 + payloadLength;
  if (bytes.length < length) return undefined;
  const upper = upperLayer(next, bytes.subarray(40, length));
  return {
    family: 6,
    length,
    hops: u8(bytes, 7),
    src: bytes.subarray(8, 24),
    dst: bytes.subarray(24, 40),
    ...(upper !== undefined && { proto: upper.proto }),
    ...(upper?.isWhole && readPorts(upper.proto, upper.data)),
    isOfLink: upper?.proto === ICMP6 && isOfLink(upper.data[0]),
  };
}

function version(bytes: Uint8Array): number {
  return u8(bytes, 0) >> 4;
}

/** RFC 9293, 768. Other protocols may have ports, too, and no redirect names them. */
function readPorts(proto: number, data: Uint8Array): { readonly ports?: Ports } {
  if ((proto !== TCP && proto !== UDP) || data.length < 4) return {};
  return { ports: { sport: u16(data, 0), dport: u16(data, 2) } };
}

/** MLD (RFC 2710, 130 to 132; RFC 3810, 143) and neighbour discovery (RFC 4861, 133 to 137). */
function isOfLink(type: number | undefined): boolean {
  return type !== undefined && ((type >= 130 && type <= 137) || type === 143);
}
