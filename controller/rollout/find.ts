import type { Transaction } from '../log/transaction.ts';
import { Declined } from '../model/declined.ts';
import type { Rollout } from '../model/rollout.ts';

/** Several that begin alike are named as far as people read. */
const MAX_NAMED = 4;

/** The one rollout whose id begins like this. Errors: Declined UNKNOWN_ROLLOUT, AMBIGUOUS_ROLLOUT. */
export async function findRollout({ session, tables }: Transaction, id: string): Promise<Rollout> {
  const found = await tables.rollouts.startingWith(session, id, MAX_NAMED);
  const [rollout, another] = found;
  if (rollout === undefined)
    throw new Declined(
      'UNKNOWN_ROLLOUT',
      `there is no rollout ${id}: it never was, or is older than what is kept; see shunt rollout list`,
    );
  if (another === undefined) return rollout;
  const some = found.map((one) => one.id).join(', ');
  throw new Declined('AMBIGUOUS_ROLLOUT', `several rollouts begin with ${id}: ${some}; write more of it`);
}
