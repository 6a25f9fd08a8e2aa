/** Which protocol an IPv6 packet carries, behind its extension headers. */
import { u8, u16 } from './link.ts';

/** So many are looked through. */
const HEADERS = 6;
const FRAGMENT = 44;

/** How long each is that is looked through, in bytes, by its second byte. */
const LENGTHS: Readonly<Record<number, (said: number) => number>> = {
  0: eights, // hop-by-hop options: RFC 8200, 4.3
  43: eights, // routing: 4.4
  [FRAGMENT]: () => 8, // 4.5
  51: (said) => (said + 2) * 4, // authentication: RFC 4302, 2.2
  60: eights, // destination options: RFC 8200, 4.6
  135: eights, // mobility: RFC 6275, 6.1.1
};

function eights(said: number): number {
  return (said + 1) * 8;
}

export interface UpperLayer {
  readonly proto: number;
  /** What of it is here: of a later fragment nothing can be told from its bytes. */
  readonly data: Uint8Array;
  /** Not one of several fragments. */
  readonly isWhole: boolean;
}

/** Undefined where there are too many headers, one is cut off, or the rest of them is in another fragment. */
export function upperLayer(first: number, bytes: Uint8Array): UpperLayer | undefined {
  let [next, rest, isWhole] = [first, bytes, true];
  for (let left = HEADERS; next in LENGTHS; left -= 1) {
    const length = lengthOf(next, rest);
    if (left === 0 || length === undefined) return undefined;
    const here = next === FRAGMENT ? readFragment(rest) : WHOLE;
    isWhole &&= here.isWhole;
    next = u8(rest, 0);
    if (here.isLater) return next in LENGTHS ? undefined : { proto: next, data: new Uint8Array(), isWhole };
    rest = rest.subarray(length);
  }
  return { proto: next, data: rest, isWhole };
}

/** Undefined where the header is cut off. */
function lengthOf(type: number, bytes: Uint8Array): number | undefined {
  if (bytes.length < 2) return undefined;
  const length = LENGTHS[type]?.(u8(bytes, 1)) ?? 0;
  return length <= bytes.length ? length : undefined;
}

const WHOLE = { isLater: false, isWhole: true } as const;

/** What is alone in its fragment is a whole packet (RFC 6946). */
function readFragment(bytes: Uint8Array): { readonly isLater: boolean; readonly isWhole: boolean } {
  const word = u16(bytes, 2);
  const [isLater, more] = [word >> 3 !== 0, (word & 1) === 1];
  return { isLater, isWhole: !isLater && !more };
}
