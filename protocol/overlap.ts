import { type Prefix, requirePrefix } from './address.ts';
import { familyOf, type Match } from './match.ts';

/** Makes the test whether some packet matches both a match and another one. */
export function makeMeets(match: Match): (other: Match) => boolean {
  const family = familyOf(match);
  const src = requirePrefix(match.src);
  const dst = requirePrefix(match.dst);
  return (other) =>
    familyOf(other) === family &&
    free(match.proto, other.proto) &&
    free(match.sport, other.sport) &&
    free(match.dport, other.dport) &&
    free(match.in, other.in) &&
    prefixesMeet(dst, requirePrefix(other.dst)) &&
    prefixesMeet(src, requirePrefix(other.src));
}

/** Whether a packet can have what both fix. */
export function free(a: unknown, b: unknown): boolean {
  return a === undefined || b === undefined || a === b;
}

/** Whether one of two prefixes of a family holds the other. */
export function prefixesMeet(a: Prefix, b: Prefix): boolean {
  const len = Math.min(a.len, b.len);
  const whole = len >> 3;
  for (let at = 0; at < whole; at += 1) if (a.bytes[at] !== b.bytes[at]) return false;
  const mask = 0xff00 >> (len & 7);
  return (((a.bytes[whole] ?? 0) ^ (b.bytes[whole] ?? 0)) & mask & 0xff) === 0;
}
