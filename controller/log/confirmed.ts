import { Standings } from './standings.ts';
import type { Transaction } from './transaction.ts';

/** Up to which rev each host that spoke, or each of some, has confirmed our log to be what stands there. */
export async function confirmedRevs(
  transaction: Transaction,
  hosts?: Iterable<string>,
): Promise<ReadonlyMap<string, number>> {
  const { session, tables } = transaction;
  const standings = new Standings(transaction);
  const revs = new Map<string, number>();
  const words = await tables.hosts.words.all(session);
  for (const host of hosts ?? words.keys()) {
    const status = words.get(host)?.report.status;
    if (status === undefined || status.epoch === '') continue;
    const standing = await standings.of({ epoch: status.epoch, rev: status.stored });
    if (standing === 'ok') revs.set(host, status.verified);
  }
  return revs;
}
