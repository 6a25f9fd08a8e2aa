import { checkChanges, MAX_CHANGES, ownChanges } from './changes.ts';
import { type Cursor, readCursor, readEpoch } from './cursor.ts';
import { open, readVersion } from './envelope.ts';
import { readHost } from './host.ts';
import { type Change, readChange } from './intent.ts';
import { encodeJson } from './json.ts';
import { checkMarks, type Marks, marks } from './marks.ts';
import { list, nullable, object, type Reader, readDigest, readRev } from './read.ts';
import { Refused } from './refused.ts';

/**
 * What changed for a host after `prev` up to `rev`, the newest change of each key; `digest` is that of the whole set at
 * `rev`. A hint, sent when the changes do not fit or when only a mark was raised, has none and `prev` = `rev`. `after` is
 * the end of the epoch before.
 */
export interface Update extends Marks {
  readonly v: 1;
  readonly host: string;
  readonly epoch: string;
  readonly after: Cursor | null;
  readonly prev: number;
  readonly rev: number;
  readonly digest: string;
  readonly changes: readonly Change[];
}

const fieldsWith = (changes: Reader<readonly Change[]>) =>
  object<Update>(
    {
      v: readVersion,
      host: readHost,
      epoch: readEpoch,
      after: nullable(readCursor),
      prev: readRev,
      rev: readRev,
      digest: readDigest,
      changes,
      ...marks,
    },
    'ignored',
  );
const readFields = fieldsWith(list(readChange, MAX_CHANGES));
const readOwnFields = fieldsWith(ownChanges);

function checked(update: Update): Update {
  checkChanges(update.changes, update.prev, update.rev);
  checkMarks(update, update.rev);
  if (update.changes.length === 0 && update.prev !== update.rev) {
    throw new Refused('BAD_REV', 'prev', `a hint has prev = rev, not ${update.prev} and ${update.rev}`);
  }
  return update;
}

/** Reads an update; with `host`, only one for that host. Unknown fields beside the changes are ignored. Errors: Refused. */
export function parseUpdate(input: unknown, host?: string): Update {
  return checked(readFields(open(input, host), ''));
}

/**
 * Encodes an update with its fields in canonical order, and only one that a peer would accept; its changes are what was read once.
 * Errors: Refused.
 */
export function encodeUpdate(update: Update): Uint8Array {
  return encodeJson(checked(readOwnFields(update, '')));
}

/** Tells whether an update carries no changes but only the news that there are some. */
export function isHint(update: Update): boolean {
  return update.changes.length === 0;
}
