import { BusError, type BusErrorCode } from '../../bus/error.ts';
import type { AnyCode, Code } from '../../protocol/codes.ts';
import { type Cursor, NO_CURSOR, sameCursor } from '../../protocol/cursor.ts';
import type { Change } from '../../protocol/intent.ts';
import { isSyncError, type Page, type PageReply, type Standing, type SyncRequest } from '../../protocol/page.ts';
import { Refused } from '../../protocol/refused.ts';
import { MAX_SLOTS } from '../model/limits.ts';
import type { Acceptance, Candidate } from '../ports.ts';
import { layOver } from './cursor.ts';

/** How often one sync may start over because the log was trimmed beneath it. */
const MAX_RESTARTS = 3;

/** More than any host can hold; an answerer without end ends here. */
const MAX_CHANGES = 2 * MAX_SLOTS;
const MAX_PAGES = 2 ** 16;

/** Where a sync begins, and whom it asks. */
export interface SyncStart {
  readonly host: string;
  /** What the host claims: its cursor, or the kernel's mark when the store is older than that. */
  readonly have: Cursor;
  /** Pages are laid over the stored set, which ends at `have`, or over nothing (R6). */
  readonly base: Candidate['base'];
  /** Of the stored set. */
  readonly digest: string;
  request(request: SyncRequest): Promise<PageReply>;
  accept(candidate: Candidate): Promise<Acceptance>;
}

export type SyncResult =
  /** The controller holds the same set. */
  | { readonly outcome: 'current' }
  /** A proven set was stored. */
  | { readonly outcome: 'accepted' }
  /** Everything is kept as it is, until somebody decides; `code` says what is wrong. */
  | { readonly outcome: 'held'; readonly code: Code }
  /** No answer, or none that counts: try again later. */
  | { readonly outcome: 'failed'; readonly code: AnyCode | BusErrorCode; readonly message: string };

type Copy =
  | { readonly outcome: 'candidate'; readonly candidate: Candidate }
  /** Only the whole set will do. */
  | { readonly outcome: 'anew' }
  | Exclude<SyncResult, { outcome: 'accepted' }>;

const HELD: Partial<Record<Standing, Code>> = { lost: 'HISTORY_LOST', unknown: 'FOREIGN_EPOCH' };

/**
 * Brings the stored set up to the controller's (rules R4 to R6). Nothing is stored before the last page, and then only
 * what has its digest. A wrong digest is asked for once more from the start; wrong again, it is held against the log.
 */
export async function runSync(start: SyncStart): Promise<SyncResult> {
  let { base } = start;
  let restarts = 0;
  let wrong = 0;
  for (;;) {
    const copy = await fetchCopy(start, base);
    if (copy.outcome === 'anew') {
      if (++restarts > MAX_RESTARTS) return failed('BUSY', 'the log is trimmed faster than it can be read');
      base = 'empty';
    } else if (copy.outcome === 'candidate') {
      const acceptance = await start.accept(copy.candidate);
      if (acceptance.outcome === 'accepted') return { outcome: 'accepted' };
      if (base === 'stored' && !acceptance.sound) base = 'empty';
      else if (++wrong > 1) return { outcome: 'held', code: base === 'stored' ? 'HISTORY_LOST' : 'BAD_DIGEST' };
    } else {
      return copy;
    }
  }
}

/** Fetches pages from where the base ends to the head of the log; they make one candidate. */
async function fetchCopy(start: SyncStart, base: Candidate['base']): Promise<Copy> {
  const began = base === 'stored' ? start.have : NO_CURSOR;
  const newest = new Map<string, Change>();
  let from = began;
  let firstHead: number | undefined;
  for (let pages = 1; ; pages += 1) {
    const page = await fetchPage(start, from);
    if ('outcome' in page) return page;
    firstHead ??= page.head;
    if (base === 'stored' && page.standing === 'superseded') return { outcome: 'anew' };
    // Deletes up to `floor` are forgotten: a copy that began before, or a walk that it overtook, may miss some.
    if (page.floor > (base === 'stored' ? began.rev : firstHead)) return { outcome: 'anew' };
    layOver(newest, page.changes, began.rev);
    from = { epoch: page.epoch, rev: page.rev };
    if (page.more && (pages >= MAX_PAGES || newest.size > MAX_CHANGES)) {
      return failed('TOO_MANY', `${newest.size} changes on ${pages} pages, and no end`);
    }
    if (page.more) continue;
    if (base === 'stored' && newest.size === 0 && sameCursor(from, began) && page.digest === start.digest) {
      return { outcome: 'current' };
    }
    return {
      outcome: 'candidate',
      candidate: { base, changes: [...newest.values()], cursor: from, digest: page.digest },
    };
  }
}

type Failure = Extract<SyncResult, { outcome: 'held' | 'failed' }>;

/** Asks for one page; only one that answers this very request, leads on and leaves no hole counts. */
async function fetchPage(start: SyncStart, from: Cursor): Promise<Page | Failure> {
  const { host, have } = start;
  const reply = await ask(start, { v: 1, host, have, from });
  if ('outcome' in reply) return reply;
  if (isSyncError(reply)) return failed(reply.error.code, reply.error.message);
  if (!sameCursor(reply.have, have) || !sameCursor(reply.from, from)) {
    return failed('BAD_REQUEST', 'the page answers another request');
  }
  const code = HELD[reply.standing];
  if (code !== undefined) return { outcome: 'held', code };
  if (reply.prev > from.rev || reply.rev < from.rev || (reply.more && reply.rev === from.rev)) {
    return failed('BAD_REV', `a page over (${reply.prev}, ${reply.rev}] does not lead on from ${from.rev}`);
  }
  return reply;
}

async function ask(start: SyncStart, request: SyncRequest): Promise<PageReply | Failure> {
  try {
    return await start.request(request);
  } catch (error) {
    if (error instanceof BusError || error instanceof Refused) return failed(error.code, error.message);
    throw error;
  }
}

function failed(code: AnyCode | BusErrorCode, message: string): Failure {
  return { outcome: 'failed', code, message };
}
