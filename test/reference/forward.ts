/** The bytes of a frame that is sent on. */
import { isInVlan, type Link, u8, u16 } from './link.ts';
import type { Value } from './state.ts';

const TYPE_BYTES = 2;
const IPV4 = { ttl: 8, checksum: 10 } as const;
const IPV6 = { hopLimit: 7 } as const;

/** To the target, one hop less; tags that say only a priority are of the link that it came by. */
export function forward(frame: Uint8Array, link: Link, { target, source, keepTtl }: Value): Uint8Array {
  const payloadAt = frame.length - link.payload.length;
  const kept = isInVlan(link) ? frame.subarray(12) : frame.subarray(payloadAt - TYPE_BYTES);
  const out = new Uint8Array(12 + kept.length);
  out.set(target, 0);
  out.set(source, 6);
  out.set(kept, 12);
  if (!keepTtl) takeHop(out.subarray(out.length - link.payload.length), link);
  return out;
}

function takeHop(packet: Uint8Array, { carries }: Link): void {
  if (carries === 'IPv6') {
    packet[IPV6.hopLimit] = u8(packet, IPV6.hopLimit) - 1;
    return;
  }
  const before = u16(packet, IPV4.ttl);
  packet[IPV4.ttl] = u8(packet, IPV4.ttl) - 1;
  const sum = updated(u16(packet, IPV4.checksum), before, u16(packet, IPV4.ttl));
  packet.set([sum >> 8, sum & 0xff], IPV4.checksum);
}

/** RFC 1624, equation 3: what was wrong before stays as wrong as it was. */
function updated(checksum: number, before: number, after: number): number {
  return not(plus(plus(not(checksum), not(before)), after));
}

/** In ones' complement. */
function plus(a: number, b: number): number {
  const sum = a + b;
  return sum > 0xffff ? sum - 0xffff : sum;
}

function not(word: number): number {
  return 0xffff - word;
}
