import type { Damage } from '../model/damage.ts';
import type { Epoch } from '../model/standing.ts';
import type { Session } from '../store/session.ts';
import type { Tables } from '../store/tables/tables.ts';
import type { LogWriter } from './log-writer.ts';

/** One transaction, as its script sees it. */
export interface Transaction {
  readonly session: Session;
  readonly tables: Tables;
  /** Lets others work in the middle of what takes long. */
  readonly turn: () => Promise<void>;
  /** What is known to be missing. */
  readonly damage: Damage | undefined;
  /** The newest epoch by its beginning; undefined while the database is looked through. */
  readonly newest: Epoch | undefined;
}

/** One that may write to the logs. Its script has to finish them. */
export interface LogTransaction extends Transaction {
  readonly log: LogWriter;
}

/** Values in groups of at most so many: what is done to each group takes milliseconds, and others get their turn in between. */
export function* chunks<T>(values: Iterable<T>, size: number): Generator<T[]> {
  let chunk: T[] = [];
  for (const value of values) {
    chunk.push(value);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** The same; between two groups others get their turn. */
export async function* paced<T>(values: Iterable<T>, size: number, turn: () => Promise<void>): AsyncGenerator<T[]> {
  let isFirst = true;
  for (const chunk of chunks(values, size)) {
    if (!isFirst) await turn();
    isFirst = false;
    yield chunk;
  }
}

/** Rows of a long walk. */
const ROWS_AT_ONCE = 1000;

/** Hands out rows one by one, and lets others work in between; no other statement of the transaction may run before the end. */
export async function* slowly<Row>(rows: Iterable<Row>, turn: () => Promise<void>): AsyncGenerator<Row> {
  let count = 0;
  for (const row of rows) {
    yield row;
    count += 1;
    if (count % ROWS_AT_ONCE === 0) await turn();
  }
}
