/** What becomes of a frame, and why: the verdicts of docs/operations.md. */
import type { Verdict } from '../../agent/kernel/abi.ts';
import { type Packet, readPacket } from './ip.ts';
import { isForGroup, isInVlan, type Link, readLink, sameMac } from './link.ts';
import { findEntry, isProtected } from './match.ts';
import type { Entry, State, Value } from './state.ts';

export interface Decision {
  readonly verdict: Verdict;
  readonly link: Link;
  /** What was hit. */
  readonly entry?: Entry;
}

/** What is known of a hit. */
interface Hit extends Value {
  readonly link: Link;
  readonly packet: Packet;
  readonly state: State;
  readonly whole: boolean;
}

export function decide(frame: Uint8Array, state: State): Decision {
  const link = readLink(frame);
  if (state.control.bypass !== 0) return { verdict: 'BYPASS', link };
  if (isForGroup(link)) return { verdict: 'GROUP', link };
  if (link.carries === 'something else') return { verdict: 'NOT_IP', link };
  const packet = link.carries === 'IPv4' || link.carries === 'IPv6' ? readPacket(link) : undefined;
  if (packet === undefined) return { verdict: 'MALFORMED', link };
  if (packet.isOfLink) return { verdict: 'NEIGHBOUR', link };
  const entry = findEntry(packet, state);
  if (entry === undefined) return { verdict: 'NO_MATCH', link };
  return { verdict: judge({ ...entry.value, whole: entry.whole, link, packet, state }), link, entry };
}

/** The first that applies. */
function judge(hit: Hit): Verdict {
  for (const [verdict, applies] of RULES) if (applies(hit)) return verdict;
  return leavesByIngress(hit) ? 'SENT_BACK' : 'SENT';
}

const RULES: readonly (readonly [Verdict, (hit: Hit) => boolean])[] = [
  ['RACE', ({ whole }) => !whole],
  ['EXPIRED', ({ until, state }) => until !== 0n && until <= state.now],
  ['PROTECTED', ({ guarded, packet, state }) => guarded && isProtected(packet, state)],
  // No hit is what comes from its own target, or is on its way there already on this link.
  ['RETURNED', ({ action, link, target }) => action === 'send' && sameMac(link.source, target)],
  ['OVERHEARD', (hit) => hit.action === 'send' && leavesByIngress(hit) && sameMac(hit.link.destination, hit.target)],
  ['UNKNOWN_ACTION', ({ slot, state }) => slot >= state.slots],
  ['PASSED', ({ action }) => action === 'pass'],
  ['DROPPED', ({ action }) => action === 'drop'],
  ['UNKNOWN_ACTION', ({ action }) => action !== 'send'],
  // What is to be sent on has a hop left (RFC 1812, 5.3.1; RFC 8200, 3), and fits.
  ['TTL', ({ keepTtl, packet }) => !keepTtl && packet.hops <= 1],
  ['TOO_BIG', ({ packet, mtu }) => packet.length > mtu],
  // A VLAN is another link, whose frames may go back with their tags, and nowhere else.
  ['VLAN', (hit) => isInVlan(hit.link) && !leavesByIngress(hit)],
  ['NO_PORT', (hit) => !leavesByIngress(hit) && !hit.state.ports.includes(hit.egress)],
];

function leavesByIngress({ egress, state }: Hit): boolean {
  return egress === state.ingress;
}
