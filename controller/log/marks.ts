import type { Marks } from '../../protocol/marks.ts';
import type { Head } from '../store/tables/heads.ts';
import type { Mark } from '../store/tables/marks.ts';
import type { LogTransaction, Transaction } from './transaction.ts';

type Place = Pick<Transaction, 'session' | 'tables'>;

/** The marks that a host is sent: those that it has, as far as its agent can take them. `known`, where they were read already. */
export async function marksFor(
  { session, tables }: Place,
  { host, rev }: Pick<Head, 'host' | 'rev'>,
  known?: Mark,
): Promise<Marks> {
  const { confirmed, permit } = known ?? (await tables.marks.find(session, host));
  if (confirmed === 0 && permit === 0) return {};
  const can = (await tables.hosts.find(session, host))?.status.can ?? [];
  return {
    ...(confirmed > 0 && can.includes('confirm') && { confirmed: Math.min(confirmed, rev) }),
    ...(permit > 0 && can.includes('permit') && { permit: Math.min(permit, rev) }),
  };
}

/**
 * Lets hosts remove and re-target all that their logs say up to these heads, so that no brake withholds it: after the log was finished,
 * in the same transaction. For what an operator allowed to shrink hosts, and for what takes a publication back: that is no accident
 * which a host has to stop.
 */
export async function permit(
  { session, tables, log }: LogTransaction,
  heads: Iterable<Pick<Head, 'host' | 'rev'>>,
): Promise<void> {
  for (const head of heads) if (await tables.marks.raise(session, head, { permit: head.rev })) log.hand.raised += 1;
}
