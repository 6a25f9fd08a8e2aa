import { Concern } from '../compile/concern.ts';
import type { Transaction } from '../log/transaction.ts';
import { namelessOf } from '../model/damage.ts';
import type { Deed } from './noting.ts';

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
  const { session, tables } = transaction;
  const deeds: Deed[] = [];
  const deleted: string[] = [];
  const absent: string[] = [];
  for (const name of new Set(names)) {
    const claim = await tables.specs.delete(session, name);
    const there = claim !== undefined || (await giveUp(transaction, name));
    (there ? deleted : absent).push(name);
    if (there) await tables.sets.drop(session, name);
    if (there) deeds.push({ name, key: claim?.key ?? '', what: 'deleted' });
    if (claim !== undefined) concern.add(claim);
  }
  return { deleted, absent, concern, deeds };
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
