import { loopText, MAX_LOOPS, type PlanLoop } from '../../protocol/effects.ts';
import { Loops } from '../compile/loops.ts';
import { claimsAfter, type Proposal } from '../compile/preview.ts';
import { paced, type Transaction } from '../log/transaction.ts';
import type { Claim } from '../model/claim.ts';
import { Declined } from '../model/declined.ts';
import { type Doors, doorsOf } from '../model/doors.ts';
import { readAllClaims } from './proposal.ts';

/** Claims that are looked at before others get their turn. */
const CLAIMS_AT_ONCE = 5_000;

/** Where packets for the addresses of hosts come in, by what these said last. */
export async function readDoors({ session, tables }: Transaction): Promise<Doors> {
  return doorsOf((await tables.hosts.words.all(session)).values().map(({ report }) => report.status));
}

/**
 * Ends a transaction after which packets would go round from host to host by a redirect that came or changed with it.
 * Errors: Declined REDIRECT_LOOP.
 */
export async function requireNoLoops(transaction: Transaction, came: readonly Claim[], nowMs: number): Promise<void> {
  if (came.length === 0) return;
  const doors = await readDoors(transaction);
  const sending: Claim[] = [];
  for await (const some of paced(came, CLAIMS_AT_ONCE, transaction.turn))
    sending.push(...some.filter((claim) => sendsTo(claim, doors)));
  if (sending.length === 0) return;
  const fleet = await transaction.tables.hosts.fleet(transaction.session);
  const loops = new Loops(await readAllClaims(transaction), fleet, doors, nowMs);
  for (const claim of sending) {
    const loop = loops.of(claim);
    if (loop !== undefined) throw new Declined('REDIRECT_LOOP', `${loopText(loop)}; nothing was changed`);
    await transaction.turn();
  }
}

/** The first loops that moves would bring; others get their turn meanwhile. */
export async function loopsOf(
  { moves, claims, fleet, nowMs = 0 }: Proposal,
  doors: Doors,
  turn: () => Promise<void>,
): Promise<readonly PlanLoop[]> {
  const came = moves.flatMap(({ after, same }) =>
    after !== undefined && !same && sendsTo(after, doors) ? [after] : [],
  );
  if (came.length === 0) return [];
  const loops = new Loops(claimsAfter({ moves, claims }), fleet, doors, nowMs);
  const first = new Map<string, PlanLoop>();
  for (const claim of came) {
    const loop = loops.of(claim);
    if (loop !== undefined && !first.has(roundOf(loop))) first.set(roundOf(loop), loop);
    if (first.size === MAX_LOOPS) break;
    await turn();
  }
  return [...first.values()];
}

/** Wherever it is entered, it is the same round. */
function roundOf({ hosts, names }: PlanLoop): string {
  return hosts
    .map((host, at) => `${host} ${names[at]}`)
    .toSorted()
    .join(', ');
}

/** Whether a redirect sends packets to a host of the fleet: few do. */
export function sendsTo({ enabled, body }: Claim, doors: Doors): boolean {
  const nexthop = /"nexthop":"([^"]+)"/.exec(body)?.[1];
  return enabled && nexthop !== undefined && doors.has(nexthop);
}
