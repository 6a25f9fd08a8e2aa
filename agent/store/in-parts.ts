import { sql } from 'kysely';
import type { Clock } from '../../daemon/clock.ts';
import { eachOf, inTurns, type Parts } from '../../daemon/parts.ts';
import type { OpenDatabase } from './database.ts';

/** Rows that are read or written before others may have their turn: a few milliseconds. */
const ROWS_AT_ONCE = 250;

/** The same in the words of a statement: SQLite plans one anew for each run whose limit is a parameter. */
export const A_PAGE = sql.lit(ROWS_AT_ONCE);

/** Takes one row after the other, and none after one that is answered by false. */
export function rowByRow<T>(rows: Iterable<T>, take: (row: T) => unknown): Parts<void> {
  return eachOf(rows, ROWS_AT_ONCE, take);
}

/**
 * Takes the rows of a table in the order of their keys; `read` answers the next ROWS_AT_ONCE after a key. So a row costs half of what
 * it does alone. Rows out of order, which only damage makes, may be left out.
 */
export function* keyByKey<R extends { readonly key: string }>(
  read: (after: string) => readonly R[],
  take: (row: R) => void,
): Parts<void> {
  for (let after = ''; ; ) {
    yield;
    const rows = read(after);
    for (const row of rows) take(row);
    const last = rows.at(-1)?.key ?? '';
    if (rows.length < ROWS_AT_ONCE || last <= after) return;
    after = last;
  }
}

/** What such a transaction has in memory of what it wrote: that is left for its commit to write, which others wait for. */
const CACHE_KIB = 4096;

/**
 * Does them in one transaction in which others have their turn; what these want of the database has to wait for its end. `written`
 * is awaited before the commit.
 */
export async function transactInTurns<T>(
  raw: OpenDatabase['raw'],
  clock: Pick<Clock, 'turn'>,
  parts: Parts<T>,
  written?: () => Promise<void>,
): Promise<T> {
  const size = raw.pragma('cache_size', { simple: true });
  try {
    raw.pragma(`cache_size = -${CACHE_KIB}`);
    raw.exec('begin immediate');
    const done = await inTurns(parts, () => clock.turn());
    await written?.();
    raw.exec('commit');
    await clock.turn(); // very much was written to the disk
    raw.pragma('shrink_memory'); // it went through all pages
    return done;
  } finally {
    if (raw.inTransaction) raw.exec('rollback');
    raw.pragma(`cache_size = ${size}`);
  }
}
