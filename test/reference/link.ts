/** What Ethernet says of a frame. IEEE 802.3, and 802.1Q for tags. */

/** As many as are looked through. */
const TAGS = 2;
const TAG_TYPES: ReadonlySet<number> = new Set([0x8100, 0x88a8]);
const CARRIED: Readonly<Record<number, 'IPv4' | 'IPv6'>> = { 2048: 'IPv4', 34525: 'IPv6' };

export interface Link {
  readonly destination: Uint8Array;
  readonly source: Uint8Array;
  /** VLAN ids of its tags, the outermost first; 0 says only a priority. */
  readonly vlans: readonly number[];
  readonly carries: 'IPv4' | 'IPv6' | 'something else' | 'no more: it ends in its tags';
  /** The type of what is carried stands right before it. */
  readonly payload: Uint8Array;
}

/** A frame has 14 bytes, or the kernel would not hand it over. */
export function readLink(frame: Uint8Array): Link {
  const ends = { destination: frame.subarray(0, 6), source: frame.subarray(6, 12) };
  const vlans: number[] = [];
  let type = u16(frame, 12);
  let rest = frame.subarray(14);
  while (TAG_TYPES.has(type) && vlans.length < TAGS) {
    if (rest.length < 4) return { ...ends, vlans, carries: 'no more: it ends in its tags', payload: rest };
    vlans.push(u16(rest, 0) & 0x0fff);
    type = u16(rest, 2);
    rest = rest.subarray(4);
  }
  return { ...ends, vlans, carries: CARRIED[type] ?? 'something else', payload: rest };
}

/** Whether others get the frame as well: the group bit is the lowest of the first byte. */
export function isForGroup({ destination }: Link): boolean {
  return u8(destination, 0) % 2 === 1;
}

/** Whether it is in a VLAN, which is another link than the interface that it came in by. */
export function isInVlan({ vlans }: Link): boolean {
  return vlans.some((id) => id !== 0);
}

export function sameMac(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, at) => byte === b[at]);
}

/** Errors: RangeError where the bytes end before. */
export function u8(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new RangeError(`byte ${at} of ${bytes.length}`);
  return byte;
}

/** In network order. Errors: RangeError where the bytes end before. */
export function u16(bytes: Uint8Array, at: number): number {
  return u8(bytes, at) * 256 + u8(bytes, at + 1);
}
