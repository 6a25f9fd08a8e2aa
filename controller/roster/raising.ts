import type { Transaction } from '../log/transaction.ts';
import { confirmOf } from '../model/publication.ts';
import { confirmedBy } from '../model/sightings.ts';
import { standingOf } from '../model/standing.ts';
import type { Report } from '../ports.ts';

/**
 * Raises or repeats the marks that a host waits for by its own newest status. A host whose word is not of our log is told nothing.
 * What its brake withholds though it is permitted, the host was not told: an update was lost, or it was not known what it can.
 */
export async function raiseMarks(transaction: Transaction, report: Report): Promise<void> {
  const { session, tables } = transaction;
  const { host, epoch, stored, unconfirmed = [], brake } = report.status;
  const confirms = (report.steady ?? 0) > 0 && unconfirmed.length > 0;
  if ((!confirms && brake === undefined) || epoch === '') return;
  const standing = standingOf({ epoch, rev: stored }, await tables.epochs.find(session, epoch));
  if (standing !== 'ok') return;
  if (confirms) await raiseConfirmed(transaction, report);
  if (brake === undefined) return;
  if (brake.from <= (await tables.marks.find(session, host)).permit) await tables.marks.repeat(session, host);
}

/** Confirms what a host has, and only where something there waits for it. */
async function raiseConfirmed(transaction: Transaction, { status, steady = 0 }: Report): Promise<void> {
  const { session, tables } = transaction;
  const { host, unconfirmed = [] } = status;
  const head = await tables.heads.find(session, host);
  const exceptions = await askedOf(transaction, status);
  const confirmed = confirmedBy({ steady, status, exceptions, head: head.rev });
  if (await tables.marks.raise(session, head, { confirmed })) return;
  const told = (await tables.marks.find(session, host)).confirmed;
  if (unconfirmed.some(({ rev }) => rev <= told)) await tables.marks.repeat(session, host); // it was lost
}

/** The revs of changes that are exceptions on a host and that it was to have confirmed, as its log still says. */
async function askedOf({ session, tables }: Transaction, { host, exceptions }: Report['status']): Promise<number[]> {
  const revs: number[] = [];
  for (const { key, rev } of exceptions) {
    const row = await tables.changes.find(session, host, key);
    if (row?.rev === rev && confirmOf(row.body) !== undefined) revs.push(rev);
  }
  return revs;
}
