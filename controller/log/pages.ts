import type { Cursor } from '../../protocol/cursor.ts';
import { EMPTY_DIGEST } from '../../protocol/digest.ts';
import type { Change } from '../../protocol/intent.ts';
import type { Page, Standing, SyncRequest } from '../../protocol/page.ts';
import { type Claim, isList, isSeenBy } from '../model/claim.ts';
import { Declined } from '../model/declined.ts';
import { withoutConfirm } from '../model/publication.ts';
import { type Epoch, standingOf } from '../model/standing.ts';
import type { ChangeRow } from '../store/schema.ts';
import { changeBytes, changeOf } from '../store/tables/changes.ts';
import type { Head } from '../store/tables/heads.ts';
import { marksFor } from './marks.ts';
import type { Transaction } from './transaction.ts';

/**
 * Reads the answer to a sync request. Errors: Declined BAD_REQUEST when `from` is nothing that the host may hold, NOT_READY
 * when the host has not said yet what it is, and claims to hold something or would get what specs do not bear out any more.
 */
export async function readPage(
  transaction: Transaction,
  request: SyncRequest,
  budgetBytes: number,
  nowMs: number,
): Promise<Page> {
  const { session, tables } = transaction;
  const { v, host, have, from } = request;
  const isHeard = await wasHeard(transaction, request);
  const newest = transaction.newest ?? (await tables.epochs.newest(session));
  const standing = await judge(transaction, have, newest);
  const named = { v, host, have, from, at: nowMs, standing, epoch: newest.epoch, prev: from.rev };
  if (!(await mayServe(transaction, request, standing, newest))) {
    return { ...named, rev: from.rev, head: from.rev, floor: 0, digest: EMPTY_DIGEST, changes: [], more: false };
  }
  const head = await tables.heads.find(session, host);
  if (from.rev > head.rev) throw notInLog(from);
  const { rows, more } = take(rowsAfter(transaction, from, head), budgetBytes);
  if (!isHeard && !(await areBorneOut(transaction, rows))) throw notHeard(host);
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

/** What a host lacks; of one that has all, nothing is looked up. */
function rowsAfter({ session, tables }: Transaction, { rev }: Cursor, head: Head): Iterable<ChangeRow> {
  if (rev === head.rev) return [];
  const span = { host: head.host, rev };
  return rev === 0 ? tables.changes.putsAfter(session, span) : tables.changes.after(session, span);
}

/** What rows say to a host. A delete does not ask an agent to have it confirmed that cannot: it would refuse all of it. */
export async function changesFor(
  { session, tables }: Transaction,
  host: string,
  rows: readonly ChangeRow[],
): Promise<readonly Change[]> {
  const changes = rows.map(changeOf);
  const isAsked = changes.some((change) => change.op === 'delete' && change.confirm !== undefined);
  if (!isAsked || (await tables.hosts.find(session, host))?.status.can?.includes('confirm')) return changes;
  return changes.map((change) => (change.op === 'put' ? change : { op: 'delete', rev: change.rev, key: change.key }));
}

async function judge({ session, tables }: Transaction, claim: Cursor, newest: Epoch): Promise<Standing> {
  if (claim.epoch === '' || claim.epoch === newest.epoch) return standingOf(claim, newest);
  return standingOf(claim, await tables.epochs.find(session, claim.epoch));
}

/** Whose history is not ours gets our word on that and nothing else (R7); a superseded one begins from nothing (R6). */
async function mayServe(
  transaction: Transaction,
  { have, from }: SyncRequest,
  standing: Standing,
  newest: Epoch,
): Promise<boolean> {
  if (standing === 'lost' || standing === 'unknown') return false;
  const isSame = from.epoch === have.epoch && from.rev === have.rev;
  const place = isSame ? standing : await judge(transaction, from, newest);
  if (place === 'ok') return true;
  if (place === standing) return false;
  throw notInLog(from);
}

/**
 * By its labels a host has a log; of one that was not heard yet, as after a backup was put back, that log lacks what they
 * select, and whoever stands on it would take that for deleted. And what they selected once it says still, also what was
 * deleted since: who holds nothing is not to begin with that (`areBorneOut`).
 */
async function wasHeard({ session, tables }: Transaction, { have, host }: SyncRequest): Promise<boolean> {
  if ((await tables.hosts.find(session, host)) !== undefined) return true;
  if (have.epoch !== '') throw notHeard(host);
  return false;
}

/** Whether specs say still what is put, for whatever labels the host may have. Each page is asked of itself: a log may be long. */
async function areBorneOut({ session, tables }: Transaction, rows: readonly ChangeRow[]): Promise<boolean> {
  const puts = rows.filter(({ op }) => op === 'put');
  if (puts.length === 0) return true;
  const keys = puts.map(({ key }) => key);
  const claims = await tables.specs.claimsTo(session, keys);
  return puts.every((put) => claims.get(put.key)?.some((claim) => mayGive(claim, put)));
}

function mayGive(claim: Claim, { host, name, body }: ChangeRow): boolean {
  const isFor = isSeenBy(claim, { host }) && (!isList(claim.hosts) || claim.hosts.includes(host));
  return isFor && claim.enabled && claim.name === name && claim.body === withoutConfirm(body);
}

function notHeard(host: string): Declined {
  return new Declined('NOT_READY', `no status of ${host} was heard yet; ask again after the next one`);
}

function notInLog({ epoch, rev }: Cursor): Declined {
  return new Declined('BAD_REQUEST', `from (${epoch}, ${rev}) is not in the log of this host; begin from nothing`);
}

/** As many rows from the start as fit; one at least, or a log would not lead on. What is left is not read. */
export function take(
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
