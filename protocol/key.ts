import { familyOf, type Match } from './match.ts';
import { compareShapes, shapeOf } from './shape.ts';

/**
 * Writes the key of a match in normal form: its identity on a host. Two matches have one key only if they are equal.
 * E.g. `v4 udp 198.51.100.0/24:* > 203.0.113.10/32:443`, `v6 any [::/0]:* > [2001:db8::1/128]:* in eth0`.
 */
export function keyOf(match: Match): string {
  const { proto = 'any', sport = '*', dport = '*' } = match;
  const ingress = match.in === undefined ? '' : ` in ${match.in}`;
  if (familyOf(match) === 4) return `v4 ${proto} ${match.src}:${sport} > ${match.dst}:${dport}${ingress}`;
  return `v6 ${proto} [${match.src}]:${sport} > [${match.dst}]:${dport}${ingress}`;
}

/** Orders matches by precedence: negative when `a` is the more specific, 0 when both have one shape. */
export function compareSpecificity(a: Match, b: Match): number {
  return compareShapes(shapeOf(a), shapeOf(b));
}
