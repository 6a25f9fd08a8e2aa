import type { Action } from './action.ts';
import { noStation, requirePrefix } from './address.ts';
import { familyOf, type Match, protoNumber } from './match.ts';
import { attempt, type Faults, join } from './read.ts';
import { Refused } from './refused.ts';

/** The extension headers of IPv6 that the program looks through (bpf/parse.h, `is_extension`): RFC 8200, 4302, 6275. */
const LOOKED_THROUGH: ReadonlyMap<number, string> = new Map([
  [0, 'Hop-by-Hop Options'],
  [43, 'Routing'],
  [44, 'Fragment'],
  [51, 'Authentication'],
  [60, 'Destination Options'],
  [135, 'Mobility'],
]);

/**
 * Refuses a match that no packet can have, and one that only packets have which must not be sent on. Receivers take both:
 * earlier controllers have sent them. `to` is undefined where it could not be read. Errors: Refused NEVER_MATCHES.
 */
export function requireMatchable(match: Match, to: Action | undefined, path = 'match', faults?: Faults): void {
  attempt(() => checkProto(match, join(path, 'proto')), faults);
  for (const way of ['src', 'dst'] as const) attempt(() => checkPrefix(way, match[way], to, join(path, way)), faults);
}

function checkProto(match: Match, path: string): void {
  const { proto } = match;
  const header = proto !== undefined && familyOf(match) === 6 && LOOKED_THROUGH.get(protoNumber(proto));
  if (!header) return;
  const what = `${proto} is no protocol in IPv6 but a header before it (${header}), which is looked through`;
  throw new Refused('NEVER_MATCHES', path, `${what}: name the protocol behind it, or none`);
}

function checkPrefix(way: 'src' | 'dst', text: string, to: Action | undefined, path: string): void {
  const why = noStation(requirePrefix(text));
  if (why === undefined) return;
  if (why === 'group' && way === 'dst') {
    throw new Refused('NEVER_MATCHES', path, `frames to ${text} have a group MAC, and such frames always pass`);
  }
  if (to === undefined || typeof to === 'string') return;
  const what = `${text} is ${why === 'group' ? 'a group' : 'unspecified or loopback'}`;
  const comes = `what comes ${way === 'src' ? 'from' : 'to'} it is forged and must not be sent on`;
  throw new Refused('NEVER_MATCHES', path, `${what}: ${comes}; it can be dropped or passed`);
}
