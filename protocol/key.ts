import { familyOf, type Match, type Proto } from './match.ts';
import { compareShapes, shapeOf } from './shape.ts';

/**
 * Writes the key of a match in normal form: its identity on a host. Two matches have one key only if they are equal.
 * E.g. `v4 udp 198.51.100.0/24:* > 203.0.113.10/32:443`, `v6 any [::/0]:* > [2001:db8::1/128]:* in eth0`.
 */
export function keyOf(match: Match): string {
  const { proto = 'any', sport = '*', dport = '*' } = match;
  const ingress = match.in === undefined ? '' : ` in ${match.in}`;
  const parts =
    familyOf(match) === 4
      ? ['v4 ', proto, ' ', match.src, ':', sport, ' > ', match.dst, ':', dport, ingress]
      : ['v6 ', proto, ' [', match.src, ']:', sport, ' > [', match.dst, ']:', dport, ingress];
  return parts.join(''); // not as a template: V8 leaves such a text in pieces until a map compares it, which then takes far longer
}

const KEYS = [
  /^v4 (?<proto>\S+) (?<src>\S+):(?<sport>\S+) > (?<dst>\S+):(?<dport>\S+?)(?: in (?<ingress>\S+))?$/,
  /^v6 (?<proto>\S+) \[(?<src>\S+)\]:(?<sport>\S+) > \[(?<dst>\S+)\]:(?<dport>\S+?)(?: in (?<ingress>\S+))?$/,
];

/** Reads the match back out of a key that `keyOf` wrote. Errors: TypeError for any other text. */
export function matchOfKey(key: string): Match {
  const groups = KEYS.map((pattern) => pattern.exec(key)?.groups).find((found) => found !== undefined);
  if (groups === undefined) throw new TypeError(`${key} is not the key of a match`);
  const { proto = '', src = '', sport, dst = '', dport, ingress } = groups;
  return {
    ...(ingress !== undefined && { in: ingress }),
    src,
    dst,
    ...(proto !== 'any' && { proto: (/^[0-9]+$/.test(proto) ? Number(proto) : proto) as Proto }),
    ...(sport !== '*' && { sport: Number(sport) }),
    ...(dport !== '*' && { dport: Number(dport) }),
  };
}

/** Orders matches by precedence: negative when `a` is the more specific, 0 when both have one shape. */
export function compareSpecificity(a: Match, b: Match): number {
  return compareShapes(shapeOf(a), shapeOf(b));
}
