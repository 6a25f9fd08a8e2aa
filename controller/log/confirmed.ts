import type { Status } from '../../protocol/status.ts';
import { Standings } from './standings.ts';
import type { Transaction } from './transaction.ts';

/** Up to which rev each host that spoke, or each of some, has confirmed our log to be what stands there for good. */
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
    if (standing === 'ok') revs.set(host, Math.min(status.verified, openRev(status) - 1));
  }
  return revs;
}

/** The first change that a host took back, or may take back yet, or withholds. */
function openRev({ exceptions, unconfirmed = [], unconfirmedTotal = 0, confirmed = 0, brake }: Status): number {
  const reverted = exceptions.filter(({ code }) => code === 'REVERTED');
  const unlisted = unconfirmedTotal > unconfirmed.length ? confirmed + 1 : Number.POSITIVE_INFINITY;
  const withheld = brake?.from ?? Number.POSITIVE_INFINITY;
  return Math.min(unlisted, withheld, ...[...reverted, ...unconfirmed].map(({ rev }) => rev));
}
