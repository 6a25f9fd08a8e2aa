import { object, pattern, type Reader, readRev } from './read.ts';
import { Refused } from './refused.ts';

/** The newest revision up to which a host holds every change that concerns it; epoch '' and rev 0 when it holds nothing. */
export interface Cursor {
  readonly epoch: string;
  readonly rev: number;
}

export const NO_CURSOR: Cursor = Object.freeze({ epoch: '', rev: 0 });

/** The kernel's mark has room for one byte more than this. */
export const MAX_EPOCH_BYTES = 63;

/** A host that has stored nothing has no epoch. */
export const readEpochOrNone: Reader<string> = pattern(
  new RegExp(`^[\\x21-\\x7e]{0,${MAX_EPOCH_BYTES}}$`),
  `an epoch of at most ${MAX_EPOCH_BYTES} printable characters`,
);
export const readEpoch: Reader<string> = pattern(
  new RegExp(`^[\\x21-\\x7e]{1,${MAX_EPOCH_BYTES}}$`),
  `an epoch of 1 to ${MAX_EPOCH_BYTES} printable characters`,
);

const readFields = object<Cursor>({ epoch: readEpochOrNone, rev: readRev });

export const readCursor: Reader<Cursor> = (value, path) => {
  const cursor = readFields(value, path);
  if (cursor.epoch === '' && cursor.rev !== 0) throw new Refused('BAD_REV', path, 'a revision without its epoch');
  return cursor;
};

/** Reads a cursor. Errors: Refused. */
export function parseCursor(value: unknown, path = ''): Cursor {
  return readCursor(value, path);
}

export function sameCursor(a: Cursor, b: Cursor): boolean {
  return a.epoch === b.epoch && a.rev === b.rev;
}
