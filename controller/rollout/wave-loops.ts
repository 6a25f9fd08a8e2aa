import { loopText } from '../../protocol/effects.ts';
import { Loops } from '../compile/loops.ts';
import { claimsOf, type Proposal } from '../compile/preview.ts';
import { loopsOf, readDoors, sendsTo } from '../desk/no-loops.ts';
import type { Transaction } from '../log/transaction.ts';
import type { Claim } from '../model/claim.ts';
import { Declined } from '../model/declined.ts';

/** The hosts of a rollout, each with its wave. */
type Dealt = readonly { readonly host: string; readonly wave: number }[];

/**
 * Refuses a rollout by which packets would go round from host to host: once all have it, or between two waves, while some have it and
 * others do what they did. Errors: Declined REDIRECT_LOOP.
 */
export async function requireNoWaveLoops(transaction: Transaction, proposal: Proposal, hosts: Dealt): Promise<void> {
  const { fleet, moves, nowMs = 0 } = proposal;
  const doors = await readDoors(transaction);
  const [loop] = await loopsOf(proposal, doors, transaction.turn);
  if (loop !== undefined) throw new Declined('REDIRECT_LOOP', `${loopText(loop)}; nothing was changed`);
  const came = moves.flatMap(({ after }) => (after !== undefined && sendsTo(after, doors) ? [after] : []));
  if (came.length === 0) return;
  const last = Math.max(0, ...hosts.map(({ wave }) => wave));
  for (let wave = 1; wave < last; wave += 1) {
    const loops = new Loops(claimsBetween(proposal, reachedBy(hosts, wave)), fleet, doors, nowMs);
    const between = came.map((claim) => loops.of(claim)).find((found) => found !== undefined);
    if (between !== undefined)
      throw new Declined(
        'REDIRECT_LOOP',
        `after wave ${wave}, ${loopText(between)}; nothing was changed: first take out what stands, or have it in one wave`,
      );
    await transaction.turn();
  }
}

function reachedBy(hosts: Dealt, wave: number): ReadonlySet<string> {
  return new Set(hosts.flatMap((host) => (host.wave <= wave ? host.host : [])));
}

/** What stands while these hosts have it, and no others. */
function claimsBetween({ claims, moves }: Proposal, reached: ReadonlySet<string>): readonly Claim[] {
  const moved = new Set([...claimsOf(moves)].map(({ name }) => name));
  const mixed = moves.flatMap(({ before, after }) => [
    ...(before === undefined ? [] : [{ ...before, notOn: reached }]),
    ...(after === undefined ? [] : [{ ...after, onlyOn: reached }]),
  ]);
  return [...claims.filter(({ name }) => !moved.has(name)), ...mixed];
}
