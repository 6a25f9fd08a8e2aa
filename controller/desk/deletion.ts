import { Concern } from '../compile/concern.ts';
import type { Transaction } from '../log/transaction.ts';

/** Takes specs out by name. Answers which there were, which not, and whom it concerns. */
export async function deleteSpecs(
  { session, tables }: Transaction,
  names: readonly string[],
): Promise<{ readonly deleted: readonly string[]; readonly absent: readonly string[]; readonly concern: Concern }> {
  const deleted: string[] = [];
  const absent: string[] = [];
  const concern = new Concern();
  for (const name of new Set(names)) {
    const claim = await tables.specs.delete(session, name);
    (claim === undefined ? absent : deleted).push(name);
    if (claim !== undefined) concern.add(claim);
  }
  return { deleted, absent, concern };
}
