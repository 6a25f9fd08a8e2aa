import { type Deleting, MAX_DELETING, MAX_DELETING_HOSTS } from '../../protocol/deleting.ts';
import type { GetReply } from '../../protocol/listings.ts';
import { confirmedRevs } from '../log/confirmed.ts';
import type { Transaction } from '../log/transaction.ts';
import type { DeletionRow } from '../store/schema.ts';

type Told = Pick<GetReply, 'deleting' | 'deletingTotal'>;

/** What of a redirect is open: on how many hosts, the first of them, and by which change. */
interface Open {
  readonly name: string;
  readonly hosts: string[];
  total: number;
  audit: number;
  /** On so many it was taken back. */
  reverted: number;
}

/** The redirects, or the one of a name, that were deleted and are not confirmed to be gone everywhere. */
export async function listDeleting(transaction: Transaction, name?: string): Promise<Told> {
  const { session, tables } = transaction;
  const confirmed = await confirmedRevs(transaction);
  const words = await tables.hosts.words.all(session);
  const isReverted = ({ host, rev }: DeletionRow): boolean =>
    words.get(host)?.report.status.exceptions.some((one) => one.code === 'REVERTED' && one.rev === rev) ?? false;
  const { open, total } = gather(tables.deletions.each(session, name), confirmed, isReverted);
  const deleting: Deleting[] = [];
  for (const one of open) deleting.push(await deletingOf(transaction, one));
  return total === 0 ? {} : { deleting, deletingTotal: total };
}

/** Goes through rows by their names, of which there may be as many as hosts and redirects: the first names are kept, all are counted. */
function gather(
  rows: Iterable<DeletionRow>,
  confirmed: ReadonlyMap<string, number>,
  isReverted: (row: DeletionRow) => boolean,
): { readonly open: readonly Open[]; readonly total: number } {
  const open: Open[] = [];
  let total = 0;
  let at: Open | undefined;
  for (const row of rows) {
    const { name, host, rev, audit } = row;
    if (rev <= (confirmed.get(host) ?? 0)) continue;
    if (at?.name !== name) {
      at = { name, hosts: [], total: 0, audit: 0, reverted: 0 };
      total += 1;
      if (open.length < MAX_DELETING) open.push(at);
    }
    at.total += 1;
    at.audit = Math.max(at.audit, audit);
    if (isReverted(row)) at.reverted += 1;
    if (at.hosts.length < MAX_DELETING_HOSTS) at.hosts.push(host);
  }
  return { open, total };
}

async function deletingOf(
  { session, tables }: Transaction,
  { name, hosts, total: left, audit, reverted }: Open,
): Promise<Deleting> {
  const deed = await tables.audit.deedIn(session, audit, name);
  const total = Math.max(left, deed?.stood ?? 0);
  return {
    name,
    change: deed?.change ?? String(audit),
    made: deed?.atMs ?? 0,
    total,
    confirmed: total - left,
    ...(reverted > 0 && { reverted }),
    hosts,
  };
}
