import type { Cursor } from '../../protocol/cursor.ts';
import type { Change, Intent } from '../../protocol/intent.ts';
import type { Marks } from '../../protocol/marks.ts';
import type { AwaitedNews } from './awaited.ts';
import type { BootTime } from './boot-time.ts';
import type { BrakeChange, BrakeMemory } from './brake.ts';
import type { EntryState } from './state.ts';
import type { Unconfirmed } from './unconfirmed.ts';

/** What the store knows when it is opened. */
export interface Stored {
  /**
   * False when rows, the digest or the whole file fail their checks. What is left is listed, but proves nothing: the set
   * has to be fetched again before anything is removed.
   */
  readonly sound: boolean;
  /** Rows pass their checks and cannot be read: a newer agent wrote them. They are not listed, and not to be lost. */
  readonly newer: boolean;
  readonly cursor: Cursor;
  readonly digest: string;
  /** Commits that changed desired state so far. */
  readonly seq: number;
  readonly intents: readonly Intent[];
  readonly entries: readonly EntryState[];
  /** Up to where changes are confirmed; undefined where nobody said so. */
  readonly confirmed: number | undefined;
  readonly unconfirmed: readonly Unconfirmed[];
  /** Absent where nothing is remembered of it, or an agent that does not know it has gone on with the store since. */
  readonly brake?: BrakeMemory;
}

/** A set of changes that ends at `cursor`, to be believed only if the result has `digest`. */
export interface Candidate {
  /** What the changes are laid over. */
  readonly base: 'stored' | 'empty';
  readonly changes: readonly Change[];
  readonly cursor: Cursor;
  readonly digest: string;
  /** What came with them; absent where nothing did. */
  readonly marks?: Marks;
}

/** Changes that are stored. */
export interface Accepted {
  readonly outcome: 'accepted';
  readonly seq: number;
  /**
   * The changes laid over nothing: `put` is the whole set, and what it does not name is desired no more. The store does
   * not say what that is: whoever works on the set may hold more, or less, than a damaged store did.
   */
  readonly whole: boolean;
  /** Intents put or changed; and keys that are no longer desired, if `put` is not the whole set. */
  readonly put: readonly Intent[];
  readonly removed: readonly string[];
  /** Absent where nothing of it is news. */
  readonly news?: ConfirmationNews;
}

/** What becomes of the set by it. */
export type Changes = Pick<Accepted, 'put' | 'removed' | 'whole'>;

/** Up to where changes are confirmed now, and which are awaited otherwise than before. */
export interface ConfirmationNews extends AwaitedNews {
  readonly confirmed: number | undefined;
}

/** What is told beside a candidate, and goes into the same transaction. */
export interface Beside {
  /** Asked in the commit: a mark confirms what is in time then. */
  readonly now?: () => BootTime;
  readonly brake?: BrakeChange;
  /** Of what the brake withholds, what stands otherwise than is stored: it goes on to. */
  readonly otherwise?: readonly Intent[];
}

/** What whoever carries changes out does with unconfirmed ones. */
export type Move = 'arm' | 'disarm' | 'revert';

export type Acceptance =
  | Accepted
  /** The digest does not fit: nothing was stored. `sound` is false when the store fails its own checks. */
  | { readonly outcome: 'mismatch'; readonly sound: boolean };
