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
  const span = { host, rev: from.rev };
  const all = from.rev === 0 ? tables.changes.putsAfter(session, span) : tables.changes.after(session, span);
  const { rows, more } = take(all, budgetBytes);
  const rev = more ? (rows.at(-1)?.rev ?? head.rev) : head.rev;
  return {
    ...named,
    rev,
    head: head.rev,
    floor: head.floor,
    digest: head.digest,
    changes: await changesFor(transaction, host, rows),
    more,
    ...(await marksFor(transaction, head)),
  };
}

/** The newest epoch, as updates say it. */
export type Opened = Pick<Update, 'epoch' | 'after'>;

export async function readOpened({ session, tables }: Transaction): Promise<Opened> {
  const newest = await tables.epochs.newest(session);
  return { epoch: newest.epoch, after: await tables.epochs.endBefore(session, newest) };
}

/** Reads what is new for a host after a rev; `undefined` when nothing is. */
export async function readUpdate(
  transaction: Transaction,
  opened: Opened,
  { host, afterRev }: { readonly host: string; readonly afterRev: number },
  budgetBytes: number,
): Promise<Update | undefined> {
  const { session, tables } = transaction;
  const head = await tables.heads.find(session, host);
  if (head.rev <= afterRev) return undefined;
  const rows = await changesSince(transaction, head, Math.max(afterRev, head.floor), budgetBytes);
  const prev = rows.length === 0 ? head.rev : Math.max(afterRev, head.floor);
  const changes = await changesFor(transaction, host, rows);
  return { ...updateFrom(opened, head, prev, changes), ...(await marksFor(transaction, head)) };
}

/** Reads what a host is told when nothing but its marks moved; `undefined` when it is told none. */
export async function readHint(transaction: Transaction, opened: Opened, host: string): Promise<Update | undefined> {
  const { session, tables } = transaction;
  const head = await tables.heads.find(session, host);
  const marks = await marksFor(transaction, head);
  if (marks.confirmed === undefined && marks.permit === undefined) return undefined;
  return { ...updateFrom(opened, head, head.rev, []), ...marks };
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

function updateFrom({ epoch, after }: Opened, head: Head, prev: number, changes: readonly Change[]): Update {
  const { host, rev, digest } = head;
  return { v: 1, host, epoch, after, prev, rev, digest, changes };
}

/** All that is new, or nothing when it does not fit one message. */
async function changesSince(
  { session, tables }: Transaction,
  head: Head,
  rev: number,
  budgetBytes: number,
): Promise<ChangeRow[]> {
  const { rows, more, bytes } = take(tables.changes.after(session, { host: head.host, rev }), budgetBytes);
  return more || bytes > budgetBytes ? [] : rows;
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

/** As many rows from the start as fit; one at least, or a log would not lead on. What is left is not read. */
function take(
  all: Iterable<ChangeRow>,
  budgetBytes: number,
): { readonly rows: ChangeRow[]; readonly bytes: number; readonly more: boolean } {
  const rows: ChangeRow[] = [];
  let bytes = 0;
  for (const row of all) {
    const size = changeBytes(row);
    if (bytes + size > budgetBytes && rows.length > 0) return { rows, bytes, more: true };
    rows.push(row);
    bytes += size;
  }
  return { rows, bytes, more: false };
}
