import { type Deleting, MAX_DELETING, MAX_DELETING_HOSTS } from '../../protocol/deleting.ts';
import type { GetReply } from '../../protocol/listings.ts';
import { confirmedRevs } from '../log/confirmed.ts';
import type { Transaction } from '../log/transaction.ts';
import type { DeletionRow } from '../store/schema.ts';

type Told = Pick<GetReply, 'deleting' | 'deletingTotal'>;

/** The redirects, or the one of a name, that were deleted and are not confirmed to be gone everywhere. */
export async function listDeleting(transaction: Transaction, name?: string): Promise<Told> {
  const { session, tables } = transaction;
  const open = await unconfirmed(transaction, await tables.deletions.list(session, name));
  const names = [...Map.groupBy(open, (row) => row.name)];
  const total = names.length;
  const found: Deleting[] = [];
  for (const [gone, rows] of names.slice(0, MAX_DELETING)) found.push(await deletingOf(transaction, gone, rows));
  return total === 0 ? {} : { deleting: found, deletingTotal: total };
}

/** Those that the hosts have not confirmed, by their own last word. */
async function unconfirmed(transaction: Transaction, rows: readonly DeletionRow[]): Promise<readonly DeletionRow[]> {
  if (rows.length === 0) return rows;
  const confirmed = await confirmedRevs(transaction, new Set(rows.map(({ host }) => host)));
  return rows.filter(({ host, rev }) => rev > (confirmed.get(host) ?? 0));
}

async function deletingOf(
  { session, tables }: Transaction,
  name: string,
  rows: readonly DeletionRow[],
): Promise<Deleting> {
  const audit = Math.max(...rows.map((row) => row.audit));
  const deed = await tables.audit.deedIn(session, audit, name);
  const total = Math.max(rows.length, deed?.stood ?? 0);
  return {
    name,
    change: deed?.change ?? String(audit),
    made: deed?.atMs ?? 0,
    total,
    confirmed: total - rows.length,
    hosts: rows.slice(0, MAX_DELETING_HOSTS).map(({ host }) => host),
  };
}
