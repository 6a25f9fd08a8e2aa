import type { Clock } from '../../daemon/clock.ts';
import type { OpenDatabase } from './database.ts';

/** A piece of work on the database; where it yields, others may have their turn. */
export type Parts<T> = Generator<void, T>;

/** Rows that are read or written before others may have their turn: a few milliseconds. */
const ROWS_AT_ONCE = 250;

/** Takes one row after the other, and none after one that is answered by false. */
export function* rowByRow<T>(rows: Iterable<T>, take: (row: T) => unknown): Parts<void> {
  let taken = 0;
  for (const row of rows) {
    if (taken % ROWS_AT_ONCE === 0) yield;
    taken += 1;
    if (take(row) === false) return;
  }
}

/** Does all parts, one after the other. */
export function atOnce<T>(parts: Parts<T>): T {
  for (let part = parts.next(); ; part = parts.next()) if (part.done === true) return part.value;
}

/** Does them in one transaction in which others have their turn; what these want of the database has to wait for its end. */
export async function inTurns<T>(raw: OpenDatabase['raw'], clock: Pick<Clock, 'turn'>, parts: Parts<T>): Promise<T> {
  try {
    raw.exec('begin immediate');
    let part = parts.next();
    for (; part.done !== true; part = parts.next()) await clock.turn();
    raw.exec('commit');
    await clock.turn(); // very much was written to the disk
    return part.value;
  } finally {
    if (raw.inTransaction) raw.exec('rollback');
  }
}
