import type { Concern } from '../compile/concern.ts';
import type { Damage } from '../model/damage.ts';
import type { Fleet } from '../model/fleet.ts';
import { countOf } from '../store/tables/sums.ts';
import { convergeAll, convergeKeys } from './converge.ts';
import type { LogTransaction } from './transaction.ts';

/**
 * Says what is missing while specs are: what stands and would not by those that are left. Where that is nothing, and as
 * many are there as were counted, the specs that are there are the truth from now on, and undefined is answered.
 */
export async function assess(transaction: LogTransaction): Promise<Damage | undefined> {
  const { session, tables, log } = transaction;
  log.withheld.clear();
  await convergeAll(transaction);
  const count = countOf(tables.specs.scan(session));
  const kept = await tables.sums.kept(session, 'specs');
  const lost = Math.max(0, kept.rows - count.rows);
  if (kept.sum === count.sum || (lost === 0 && log.withheld.size === 0)) {
    await tables.sums.keep(session, 'specs', count);
    return undefined;
  }
  const standing = [];
  for (const [name, on] of log.withheld)
    standing.push({ name, hosts: on.size, gone: (await tables.specs.find(session, name)) === undefined });
  return { lost, standing: standing.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

/** Makes the logs say what an operator asked for by these names; while specs are missing, looks whether that ended it. */
export async function convergeNamed(
  transaction: LogTransaction,
  concern: Concern,
  names: readonly string[],
  fleet: Fleet,
): Promise<void> {
  const { log } = transaction;
  await convergeKeys(transaction, concern, names, fleet);
  if (log.damaged) log.assessed = { damage: await assess(transaction) };
}
