import { Standings } from './standings.ts';
import type { Transaction } from './transaction.ts';

/** Up to which rev each of some hosts has confirmed our log to be what stands there. */
export async function confirmedRevs(
  transaction: Transaction,
  hosts: Iterable<string>,
): Promise<ReadonlyMap<string, number>> {
  const { session, tables } = transaction;
  const standings = new Standings(transaction);
  const revs = new Map<string, number>();
  for (const host of hosts) {
    const level = await tables.hosts.level(session, host);
    if (level === undefined || level.cursor.epoch === '' || (await standings.of(level.cursor)) !== 'ok') continue;
    revs.set(host, level.verified);
  }
  return revs;
}
