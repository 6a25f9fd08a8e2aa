import type { BusErrorCode } from '../../bus/error.ts';
import type { AnyCode } from '../../protocol/codes.ts';
import { type Cursor, NO_CURSOR, sameCursor } from '../../protocol/cursor.ts';
import type { Change } from '../../protocol/intent.ts';
import { hasMarks, type Marks, raised } from '../../protocol/marks.ts';
import { isSyncError, type Page, type Standing } from '../../protocol/page.ts';
import type { Refused } from '../../protocol/refused.ts';
import type { Footing } from '../model/footing.ts';
import { MAX_SLOTS } from '../model/limits.ts';
import type { Acceptance, Candidate } from '../model/stored.ts';
import { layOver } from './cursor.ts';
import { claimOf, type LogHold } from './footing.ts';
import { PageAsker } from './page-asker.ts';

/** How often one sync may start over because the log was trimmed beneath it. */
const MAX_RESTARTS = 3;

/** More than any host can hold; an answerer without end ends here. */
const MAX_CHANGES = 2 * MAX_SLOTS;
const MAX_PAGES = 2 ** 16;

/** What a sync has to bring up to date, and whom it asks. */
export interface SyncStart {
  readonly host: string;
  readonly footing: Footing;
  /** Somebody decreed that the set is to be this log's, whatever the host holds (R6). */
  readonly anew: boolean;
  /** Carries a request to the controller, and answers what came. Errors: BusError. */
  request(bytes: Uint8Array): Promise<Uint8Array>;
  /** An answer did not parse. */
  refused(error: Refused): void;
  /** The controller said what time it is, in epoch milliseconds; whether its log disowns what the host holds. */
  heard(atMs: number, disowns: boolean): void;
  accept(candidate: Candidate): Promise<Acceptance>;
}

export type SyncResult =
  /** The controller holds the same set; what it says beside, if anything. */
  | { readonly outcome: 'current'; readonly marks?: Marks }
  /** A proven set was stored. */
  | { readonly outcome: 'accepted' }
  /** Everything is kept as it is. */
  | { readonly outcome: 'held'; readonly hold: LogHold }
  /** No answer, or none that counts: try again later. */
  | { readonly outcome: 'failed'; readonly code: AnyCode | BusErrorCode; readonly message: string };

/** The log, by its newest epoch, does not have what the host claims. */
interface Disowned {
  readonly outcome: 'disowned';
  readonly hold: LogHold;
  readonly epoch: string;
}

type Brought = SyncResult | Disowned;

type Copy =
  | { readonly outcome: 'candidate'; readonly candidate: Candidate }
  /** Only the whole set will do. */
  | { readonly outcome: 'anew' }
  | Exclude<Brought, { outcome: 'accepted' }>;

const HELD: Partial<Record<Standing, LogHold>> = {
  lost: { why: 'HISTORY_LOST', until: 'sync' },
  unknown: { why: 'FOREIGN_EPOCH', until: 'sync' },
};
/** A digest that is wrong twice, over a sound set and over nothing. */
const WRONG: Record<Candidate['base'], LogHold> = {
  stored: { why: 'HISTORY_LOST', until: 'resync' },
  empty: { why: 'BAD_DIGEST', until: 'sync' },
};

/**
 * Brings the stored set up to the controller's (rules R4 to R6). Pages are laid over the stored set, or over nothing where
 * that is unproven. Nothing is stored before the last page, and then only what has its digest. A wrong digest is asked for
 * once more from the start; wrong again, it is held against the log. From then on only an epoch that was superseded, which
 * somebody decreed (R7), has the whole set taken anew.
 */
export async function runSync(start: SyncStart): Promise<SyncResult> {
  const result = await bringUp({ ...start, have: claimOf(start.footing) });
  if (result.outcome !== 'disowned') return result;
  if (!start.anew) return { outcome: 'held', hold: result.hold };
  // A claim that the log disowns is given up then, and not before: until it was heard, no log answers who claims anything.
  const anew = await bringUp({ ...start, have: NO_CURSOR, disownedBy: result.epoch });
  return anew.outcome === 'disowned' ? failed('BAD_REQUEST', 'a claim of nothing is disowned') : anew;
}

/** A sync, and what the host claims in it. */
interface Claiming extends SyncStart {
  readonly have: Cursor;
  /** The log that said that it has not what the host holds; only by that one nothing is claimed. */
  readonly disownedBy?: string;
}

async function bringUp(start: Claiming): Promise<Brought> {
  let base: Candidate['base'] = start.anew || start.footing.is === 'unproven' ? 'empty' : 'stored';
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
      else if (++wrong > 1) return { outcome: 'held', hold: WRONG[base] };
    } else {
      return copy;
    }
  }
}

/** Fetches pages from where the base ends to the head of the log; they make one candidate. */
async function fetchCopy(start: Claiming, base: Candidate['base']): Promise<Copy> {
  const began = base === 'stored' ? start.footing.at : NO_CURSOR;
  const asker = new PageAsker(start);
  const newest = new Map<string, Change>();
  let from = began;
  let firstHead: number | undefined;
  for (let pages = 1; ; pages += 1) {
    const page = await fetchPage(start, asker, from);
    if ('outcome' in page) return page;
    firstHead ??= page.head;
    if (base === 'stored' && page.standing === 'superseded') return { outcome: 'anew' };
    if (base === 'stored' && isContradicted(start.footing)) return { outcome: 'held', hold: WRONG.stored };
    // Deletes up to `floor` are forgotten: a copy that began before, or a walk that it overtook, may miss some.
    if (page.floor > (base === 'stored' ? began.rev : firstHead)) return { outcome: 'anew' };
    layOver(newest, page.changes, began.rev);
    from = { epoch: page.epoch, rev: page.rev };
    if (page.more && (pages >= MAX_PAGES || newest.size > MAX_CHANGES)) {
      return failed('TOO_MANY', `${newest.size} changes on ${pages} pages, and no end`);
    }
    if (page.more) continue;
    const marks = raised({}, page);
    const said = hasMarks(marks) ? { marks } : {};
    if (!start.anew && newest.size === 0 && isKnown(start.footing, { at: from, digest: page.digest }))
      return { outcome: 'current', ...said };
    return {
      outcome: 'candidate',
      candidate: { base, changes: [...newest.values()], cursor: from, digest: page.digest, ...said },
    };
  }
}

function isContradicted(footing: Footing): boolean {
  return footing.is === 'held' && footing.until === 'resync';
}

/** Whether the log ends where a set does that needs no proof. */
function isKnown(footing: Footing, end: Pick<Footing, 'at' | 'digest'>): boolean {
  const needsProof = footing.is === 'unproven' && footing.why !== 'EMPTY';
  return !needsProof && sameCursor(end.at, footing.at) && end.digest === footing.digest;
}

type Failure = Extract<SyncResult, { outcome: 'failed' }>;
type Anew = Extract<Copy, { outcome: 'anew' }>;

/** Asks for one page; only one that answers this very request, leads on and leaves no hole counts. */
async function fetchPage(start: Claiming, asker: PageAsker, from: Cursor): Promise<Page | Disowned | Failure | Anew> {
  const { have, disownedBy } = start;
  const reply = await asker.page(from);
  if ('unanswered' in reply) return failed(reply.unanswered, reply.message);
  if (isSyncError(reply)) {
    const { code, message } = reply.error;
    // Where we stand is not in the log, though what we claim is.
    if (code === 'BAD_REQUEST' && from.epoch !== '' && (start.anew || !isContradicted(start.footing)))
      return { outcome: 'anew' };
    return failed(code, message);
  }
  if (!sameCursor(reply.have, have) || !sameCursor(reply.from, from)) {
    return failed('BAD_REQUEST', 'the page answers another request');
  }
  const hold = HELD[reply.standing];
  if (hold !== undefined) return { outcome: 'disowned', hold, epoch: reply.epoch };
  if (disownedBy !== undefined && reply.epoch !== disownedBy) {
    return failed(
      'FOREIGN_EPOCH',
      'one log does not have what this host holds, and then another one answered; it is tried again: if that goes on, see that all controllers of this bus have one database',
    );
  }
  if (reply.prev > from.rev || reply.rev < from.rev || (reply.more && reply.rev === from.rev)) {
    return failed('BAD_REV', `a page over (${reply.prev}, ${reply.rev}] does not lead on from ${from.rev}`);
  }
  if (reply.at !== undefined) start.heard(reply.at, disownedBy !== undefined);
  return reply;
}

function failed(code: AnyCode | BusErrorCode, message: string): Failure {
  return { outcome: 'failed', code, message };
}
