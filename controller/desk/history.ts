import type { HistoryItem, HistoryReply, HistoryRequest } from '../../protocol/history.ts';
import type { Transaction } from '../log/transaction.ts';
import type { Audit, AuditOf } from '../store/tables/audit.ts';
import { fill, limitOf, nextOf } from './paging.ts';

/** Lists the changes of one redirect, or of all, the newest first. A place is the number of the row before. */
export async function listHistory(
  { session, tables }: Transaction,
  { name, ...paging }: HistoryRequest,
  budgetBytes: number,
): Promise<HistoryReply> {
  const limit = limitOf(paging, budgetBytes);
  const before = placeOf(paging.after);
  const found: readonly (Audit | AuditOf)[] =
    name === undefined
      ? await tables.audit.before(session, before, limit)
      : await tables.audit.deedsTo(session, name, before, limit);
  const nameOf = ({ change }: Audit): string => `change ${change}`;
  const items = await fill(found, async (audit) => itemOf(audit), nameOf, budgetBytes);
  return { v: 1, items, next: nextOf(found, items.length, limit, ({ id }) => String(id)) };
}

/** Before a row, or before none that there will ever be. */
function placeOf(after: string | undefined): number {
  const id = Number(after);
  return Number.isSafeInteger(id) ? id : Number.MAX_SAFE_INTEGER;
}

function itemOf(audit: Audit | AuditOf): HistoryItem {
  const { change, verb, atMs, origin, confirm, hosts, names, rollout } = audit;
  const counts = { hosts, redirects: names, ...(rollout !== undefined && { rollout }) };
  const item = { change, verb, made: atMs, ...origin, ...(confirm !== undefined && { confirm }), ...counts };
  if (!('what' in audit)) return item;
  return { ...item, what: audit.what, ...(audit.key !== '' && { key: audit.key }) };
}
