import { Concern } from '../compile/concern.ts';
import { paced, type Transaction } from '../log/transaction.ts';
import { namelessOf } from '../model/damage.ts';
import type { Deed } from './noting.ts';

/** Specs that are taken out before others get their turn. */
const SPECS_AT_ONCE = 200;

interface Deletion {
  readonly deleted: readonly string[];
  readonly absent: readonly string[];
  readonly concern: Concern;
  readonly deeds: readonly Deed[];
}

/**
 * Takes specs out by name; also one that is missing, by the name under which it stands. Answers
 * which there were, which not, and whom it concerns.
 */
export async function deleteSpecs(
  transaction: Transaction,
  names: readonly string[],
  concern = new Concern(),
): Promise<Deletion> {
  const { session, tables, turn } = transaction;
  const deeds: Deed[] = [];
  const absent: string[] = [];
  for await (const some of paced(new Set(names), SPECS_AT_ONCE, turn)) {
    const claims = await tables.specs.delete(session, some);
    const went: Deed[] = [];
    for (const name of some) {
      const claim = claims.get(name);
      if (claim !== undefined) concern.add(claim);
      if (claim === undefined && !(await giveUp(transaction, name))) absent.push(name);
      else went.push({ name, key: claim?.key ?? '', what: 'deleted' });
    }
    deeds.push(...went);
    await tables.sets.drop(
      session,
      went.map(({ name }) => name),
    );
  }
  return { deleted: deeds.map(({ name }) => name), absent, concern, deeds };
}

/** One of the specs that are missing is wanted no more; answers whether there was one to give up under that name. */
async function giveUp({ session, tables, damage }: Transaction, name: string): Promise<boolean> {
  if (damage === undefined) return false;
  const stands = damage.standing.some((one) => one.name === name && one.gone);
  if (!stands && namelessOf(damage) === 0) return false;
  const { rows, sum } = await tables.sums.kept(session, 'specs');
  if (damage.lost > 0) await tables.sums.keep(session, 'specs', { rows: rows - 1, sum });
  return true;
}
