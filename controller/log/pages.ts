import type { Cursor } from '../../protocol/cursor.ts';
import { EMPTY_DIGEST } from '../../protocol/digest.ts';
import type { Change } from '../../protocol/intent.ts';
import type { Page, Standing, SyncRequest } from '../../protocol/page.ts';
import type { Update } from '../../protocol/update.ts';
import { Declined } from '../model/declined.ts';
import { standingOf } from '../model/standing.ts';
import type { ChangeRow } from '../store/schema.ts';
import { changeBytes, changeOf } from '../store/tables/changes.ts';
import type { Head } from '../store/tables/heads.ts';
import { marksFor } from './marks.ts';
import type { Transaction } from './transaction.ts';

/** No change takes less on the wire, so no more rows than this are read for a budget. */
const LEAST_CHANGE_BYTES = 100;

/**
 * Reads the answer to a sync request. Errors: Declined BAD_REQUEST when `from` is nothing that the host may hold, NOT_READY
 * when the host claims to hold something and has not said yet what it is.
 */
export async function readPage(
  transaction: Transaction,
  request: SyncRequest,
  budgetBytes: number,
  nowMs: number,
): Promise<Page> {
  const { session, tables } = transaction;
  const { v, host, have, from } = request;
  await requireHeard(transaction, have, host);
  const standing = await judge(transaction, have);
  const { epoch } = await tables.epochs.newest(session);
  const named = { v, host, have, from, at: nowMs, standing, epoch, prev: from.rev };
  if (!(await mayServe(transaction, request, standing))) {
    return { ...named, rev: from.rev, head: from.rev, floor: 0, digest: EMPTY_DIGEST, changes: [], more: false };
  }
  const head = await tables.heads.find(session, host);
  if (from.rev > head.rev) throw notInLog(from);
  const span = { host, rev: from.rev, limit: rowsFor(budgetBytes) };
  const rows = await (from.rev === 0 ? tables.changes.putsAfter(session, span) : tables.changes.after(session, span));
  const fitting = cut(rows, budgetBytes);
  const more = fitting.length < rows.length || rows.length === span.limit;
  const rev = more ? (fitting.at(-1)?.rev ?? head.rev) : head.rev;
  return {
    ...named,
    rev,
    head: head.rev,
    floor: head.floor,
    digest: head.digest,
    changes: await changesFor(transaction, host, fitting),
    more,
    ...(await marksFor(transaction, head)),
  };
}

/** Reads what is new for a host after a rev; `undefined` when nothing is. */
export async function readUpdate(
  transaction: Transaction,
  host: string,
  afterRev: number,
  budgetBytes: number,
): Promise<Update | undefined> {
  const { session, tables } = transaction;
  const head = await tables.heads.find(session, host);
  if (head.rev <= afterRev) return undefined;
  const rows = await changesSince(transaction, head, Math.max(afterRev, head.floor), budgetBytes);
  const prev = rows.length === 0 ? head.rev : Math.max(afterRev, head.floor);
  const changes = await changesFor(transaction, host, rows);
  return { ...(await updateFrom(transaction, head, prev, changes)), ...(await marksFor(transaction, head)) };
}

/** Reads what a host is told when nothing but its marks moved; `undefined` when it is told none. */
export async function readHint(transaction: Transaction, host: string): Promise<Update | undefined> {
  const { session, tables } = transaction;
  const head = await tables.heads.find(session, host);
  const marks = await marksFor(transaction, head);
  if (marks.confirmed === undefined && marks.permit === undefined) return undefined;
  return { ...(await updateFrom(transaction, head, head.rev, [])), ...marks };
}

/** What rows say to a host. A delete does not ask an agent to have it confirmed that cannot: it would refuse all of it. */
async function changesFor(
  { session, tables }: Transaction,
  host: string,
  rows: readonly ChangeRow[],
): Promise<readonly Change[]> {
  const changes = rows.map(changeOf);
  const isAsked = changes.some((change) => change.op === 'delete' && change.confirm !== undefined);
  if (!isAsked || (await tables.hosts.find(session, host))?.status.can?.includes('confirm')) return changes;
  return changes.map((change) => (change.op === 'put' ? change : { op: 'delete', rev: change.rev, key: change.key }));
}

async function updateFrom(
  { session, tables }: Transaction,
  head: Head,
  prev: number,
  changes: readonly Change[],
): Promise<Update> {
  const newest = await tables.epochs.newest(session);
  const after = await tables.epochs.endBefore(session, newest);
  const { host, rev, digest } = head;
  return { v: 1, host, epoch: newest.epoch, after, prev, rev, digest, changes };
}

/** All that is new, or nothing when it does not fit one message. */
async function changesSince(
  { session, tables }: Transaction,
  head: Head,
  rev: number,
  budgetBytes: number,
): Promise<ChangeRow[]> {
  const limit = rowsFor(budgetBytes);
  const rows = await tables.changes.after(session, { host: head.host, rev, limit });
  const bytes = rows.reduce((sum, row) => sum + changeBytes(row), 0);
  return rows.length < limit && bytes <= budgetBytes ? rows : [];
}

async function judge({ session, tables }: Transaction, claim: Cursor): Promise<Standing> {
  return standingOf(claim, claim.epoch === '' ? undefined : await tables.epochs.find(session, claim.epoch));
}

/** Whose history is not ours gets our word on that and nothing else (R7); a superseded one begins from nothing (R6). */
async function mayServe(transaction: Transaction, request: SyncRequest, standing: Standing): Promise<boolean> {
  if (standing === 'lost' || standing === 'unknown') return false;
  const place = await judge(transaction, request.from);
  if (place === 'ok') return true;
  if (place === standing) return false;
  throw notInLog(request.from);
}

/**
 * By its labels a host has a log; of one that was not heard yet, as after a backup was put back, that log lacks what they
 * select, and whoever stands on it would take that for deleted.
 */
async function requireHeard({ session, tables }: Transaction, have: Cursor, host: string): Promise<void> {
  if (have.epoch === '' || (await tables.hosts.find(session, host)) !== undefined) return;
  throw new Declined('NOT_READY', `no status of ${host} was heard yet; ask again after the next one`);
}

function notInLog({ epoch, rev }: Cursor): Declined {
  return new Declined('BAD_REQUEST', `from (${epoch}, ${rev}) is not in the log of this host; begin from nothing`);
}

function rowsFor(budgetBytes: number): number {
  return Math.ceil(budgetBytes / LEAST_CHANGE_BYTES) + 1;
}

/** As many rows from the start as fit; one at least, or a log would not lead on. */
function cut(rows: readonly ChangeRow[], budgetBytes: number): readonly ChangeRow[] {
  let bytes = 0;
  const end = rows.findIndex((row, index) => {
    bytes += changeBytes(row);
    return bytes > budgetBytes && index > 0;
  });
  return end === -1 ? rows : rows.slice(0, end);
}
