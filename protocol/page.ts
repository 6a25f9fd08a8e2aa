import { checkChanges, MAX_CHANGES, ownChanges } from './changes.ts';
import { type Cursor, readCursor, readEpochOrNone } from './cursor.ts';
import { type HostError, open, readHostError, readVersion } from './envelope.ts';
import { readHost } from './host.ts';
import { type Change, readChange } from './intent.ts';
import { encodeJson, type JsonObject } from './json.ts';
import { checkMarks, type Marks, marks } from './marks.ts';
import { list, object, oneOf, optional, type Reader, readBoolean, readDigest, readRev, readTime } from './read.ts';
import { Refused } from './refused.ts';

/** What a host asks for: what it claims to hold, and from where it wants changes. */
export interface SyncRequest {
  readonly v: 1;
  readonly host: string;
  readonly have: Cursor;
  readonly from: Cursor;
}

/** The controller's word on what a host claims to hold. */
export type Standing = 'ok' | 'superseded' | 'lost' | 'unknown';
export const readStanding: Reader<Standing> = oneOf('ok', 'superseded', 'lost', 'unknown');

/**
 * The answer to a sync request: the changes after `prev` up to `rev`, of a log that ends at `head` and of which
 * everything past `floor` is kept. `have` and `from` repeat the request. The last page (`more` false) is read at head.
 * A controller that never made a change has no epoch: '', with a head of 0.
 */
export interface Page extends Marks {
  readonly v: 1;
  readonly host: string;
  readonly have: Cursor;
  readonly from: Cursor;
  /** The controller's time when it read the page, in ms since 1970. Absent where the controller does not say it. */
  readonly at?: number;
  readonly standing: Standing;
  readonly epoch: string;
  readonly prev: number;
  readonly rev: number;
  readonly head: number;
  readonly floor: number;
  readonly digest: string;
  readonly changes: readonly Change[];
  readonly more: boolean;
}

export type SyncError = HostError;
export type PageReply = Page | SyncError;

const readRequest = object<SyncRequest>({ v: readVersion, host: readHost, have: readCursor, from: readCursor });

const fieldsWith = (changes: Reader<readonly Change[]>) =>
  object<Page>(
    {
      v: readVersion,
      host: readHost,
      have: readCursor,
      from: readCursor,
      at: optional(readTime),
      standing: readStanding,
      epoch: readEpochOrNone,
      prev: readRev,
      rev: readRev,
      head: readRev,
      floor: readRev,
      digest: readDigest,
      changes,
      more: readBoolean,
      ...marks,
    },
    'ignored',
  );
const readFields = fieldsWith(list(readChange, MAX_CHANGES));
const readOwnFields = fieldsWith(ownChanges);

function checked(page: Page): Page {
  const { rev, head, floor } = page;
  checkChanges(page.changes, page.prev, rev);
  if (rev > head) throw new Refused('BAD_REV', 'rev', `${rev} is past the head ${head}`);
  if (floor > head) throw new Refused('BAD_REV', 'floor', `${floor} is past the head ${head}`);
  if (!page.more && rev !== head)
    throw new Refused('BAD_REV', 'more', `the last page ends at ${rev}, not at the head ${head}`);
  if (page.more && rev === page.prev) throw new Refused('BAD_REV', 'more', 'a page that has a successor must lead on');
  checkMarks(page, head);
  if (page.epoch === '' && head !== 0) throw new Refused('BAD_REV', 'epoch', 'a revision without its epoch');
  return page;
}

/** Reads a sync request; with `host`, only one of that host. Errors: Refused. */
export function parseSyncRequest(input: unknown, host?: string): SyncRequest {
  return readRequest(open(input, host), '');
}

export function encodeSyncRequest(request: SyncRequest): Uint8Array {
  return encodeJson(readRequest(request, ''));
}

/** Reads the answer to a sync request; with `host`, only one for that host. Errors: Refused. */
export function parsePageReply(input: unknown, host?: string): PageReply {
  const value = open(input, host);
  return value.error === undefined ? checked(readFields(value, '')) : readHostError(value, '');
}

/** Where the page after one begins, by what that says before it is judged; undefined where it is the last, or no page. */
export function pageAfter({ epoch, rev, more }: JsonObject): Cursor | undefined {
  if (more !== true) return undefined;
  try {
    return readCursor({ epoch, rev }, '');
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

export function isSyncError(reply: PageReply): reply is SyncError {
  return 'error' in reply;
}

/**
 * Encodes a page with its fields in canonical order, and only one that a peer would accept; its changes are what was read once.
 * Errors: Refused.
 */
export function encodePage(page: Page): Uint8Array {
  return encodeJson(checked(readOwnFields(page, '')));
}

export function encodeSyncError(error: SyncError): Uint8Array {
  return encodeJson(readHostError(error, ''));
}
