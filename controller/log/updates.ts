import type { Change } from '../../protocol/intent.ts';
import { Refused } from '../../protocol/refused.ts';
import type { Update } from '../../protocol/update.ts';
import type { Asked, Written } from '../ports.ts';
import type { ChangeRow } from '../store/schema.ts';
import { MANY } from '../store/tables/changes.ts';
import type { Head } from '../store/tables/heads.ts';
import type { Mark } from '../store/tables/marks.ts';
import { marksFor } from './marks.ts';
import { changesFor, take } from './pages.ts';
import type { LogTransaction, Transaction } from './transaction.ts';

/** The newest epoch, as updates say it. */
export type Opened = Pick<Update, 'epoch' | 'after'>;

export async function readOpened(transaction: Transaction): Promise<Opened> {
  const { session, tables } = transaction;
  const newest = transaction.newest ?? (await tables.epochs.newest(session));
  return { epoch: newest.epoch, after: await tables.epochs.endBefore(session, newest) };
}

/** A host that asks, its head, and from which rev on its log still has all. */
interface Asking extends Asked {
  readonly head: Head;
  readonly mark: Mark | undefined;
  readonly from: number;
}

/** Reads what the first of some hosts are told, in their order: of one at least, and of no more than few changes are for. */
export async function readUpdates(
  transaction: Transaction,
  opened: Opened,
  asked: readonly Asked[],
  budgetBytes: number,
): Promise<readonly (Update | Refused | undefined)[]> {
  const all = await lookUp(transaction, asked);
  const few = await rowsOf(transaction, all);
  const asking = few === undefined ? await firstOf(transaction, all) : all;
  const rows = few ?? (await rowsOf(transaction, asking));
  const told: (Update | Refused | undefined)[] = [];
  for (const one of asking) {
    const news = changesOf(rows?.get(one.host) ?? rowsOfOne(transaction, one), budgetBytes);
    told.push(await updateFor(transaction, opened, one, news).catch(refusalOf));
  }
  return told;
}

async function lookUp({ session, tables }: Transaction, asked: readonly Asked[]): Promise<readonly Asking[]> {
  const hosts = asked.map(({ host }) => host);
  const heads = await tables.heads.of(session, hosts);
  const marks = await tables.marks.of(session, hosts);
  return asked.flatMap((one, at) => {
    const head = heads[at];
    return head === undefined ? [] : [{ ...one, head, mark: marks.get(one.host), from: Math.max(one.rev, head.floor) }];
  });
}

/** As many of them as have few changes together; one at least. */
async function firstOf({ session, tables }: Transaction, asking: readonly Asking[]): Promise<readonly Asking[]> {
  const counts = await tables.changes.counts(session, asking.filter(isBehind).map(spanOf));
  let rows = 0;
  const end = asking.findIndex(({ host }) => {
    rows += counts.get(host) ?? 0;
    return rows > MANY;
  });
  return end === -1 ? asking : asking.slice(0, Math.max(1, end));
}

/** What is new of each of them, by host; undefined where it is too much for once. */
function rowsOf({ session, tables }: Transaction, asking: readonly Asking[]) {
  return tables.changes.afterEach(session, asking.filter(isBehind).map(spanOf));
}

/** What is new of one host, read row by row: there may be any number. */
function rowsOfOne({ session, tables }: Transaction, one: Asking): Iterable<ChangeRow> {
  return isBehind(one) ? tables.changes.after(session, spanOf(one)) : [];
}

function isBehind({ head, rev }: Asking): boolean {
  return head.rev > rev;
}

function spanOf({ host, from }: Asking): { readonly host: string; readonly rev: number } {
  return { host, rev: from };
}

/** All that is new, or nothing when it does not fit one message. */
function changesOf(rows: Iterable<ChangeRow>, budgetBytes: number): readonly ChangeRow[] {
  const taken = take(rows, budgetBytes);
  return taken.more || taken.bytes > budgetBytes ? [] : taken.rows;
}

/** What hosts are told of a change that wrote little; undefined where it has to be read. The log has to be finished. */
export async function readWritten(transaction: LogTransaction): Promise<Written | undefined> {
  const { session, tables, log } = transaction;
  const { epoch, heads, revs } = log.requireResult();
  if (epoch !== undefined || heads.length === 0 || !log.hand.has(heads)) return undefined;
  const opened = await readOpened(transaction);
  const known = await tables.marks.of(
    session,
    heads.map(({ host }) => host),
  );
  const updates: Update[] = [];
  for (const head of heads) {
    const { prev, rows } = log.hand.of(head);
    const one = { host: head.host, rev: prev, from: prev, isMarked: false, head, mark: known.get(head.host) };
    const update = await updateFor(transaction, opened, one, rows);
    if (update !== undefined) updates.push(update);
  }
  const marks = await tables.marks.count(session);
  const from = { rev: revs.first - 1, marks: marks - log.hand.raised };
  return { from, to: { rev: revs.last, marks }, updates };
}

/** Undefined where there is nothing new. One whose marks alone moved gets a hint with those, if its agent can take any. */
async function updateFor(
  transaction: Transaction,
  opened: Opened,
  one: Asking,
  rows: readonly ChangeRow[],
): Promise<Update | undefined> {
  const { host, head, mark, from, isMarked } = one;
  if (!isBehind(one) && !isMarked) return undefined;
  const marks = mark === undefined ? {} : await marksFor(transaction, head, mark);
  const changes = await changesFor(transaction, host, rows);
  if (isBehind(one)) return { ...updateFrom(opened, head, rows.length === 0 ? head.rev : from, changes), ...marks };
  if (marks.confirmed === undefined && marks.permit === undefined) return undefined;
  return { ...updateFrom(opened, head, head.rev, []), ...marks };
}

function updateFrom({ epoch, after }: Opened, head: Head, prev: number, changes: readonly Change[]): Update {
  const { host, rev, digest } = head;
  return { v: 1, host, epoch, after, prev, rev, digest, changes };
}

function refusalOf(error: unknown): Refused {
  if (error instanceof Refused) return error;
  throw error;
}
