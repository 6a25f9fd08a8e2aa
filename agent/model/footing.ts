import type { Code } from '../../protocol/codes.ts';
import { type Cursor, sameCursor } from '../../protocol/cursor.ts';

/** The stored set: the prefix of a log that it is or claims to be, and its digest. */
interface Position {
  readonly at: Cursor;
  readonly digest: string;
}

/** Why the set is kept as it is, and what ends that. */
export type Hold =
  /** The log does not know the set, or is not what its digest promises: until it answers as it should. */
  | { readonly why: 'HISTORY_LOST' | 'FOREIGN_EPOCH' | 'BAD_DIGEST'; readonly until: 'sync' }
  /** The log contradicts a sound set: until somebody decides that the whole set is taken anew. */
  | { readonly why: 'HISTORY_LOST'; readonly until: 'resync' }
  /** The store holds what only a newer agent can read. */
  | { readonly why: 'STORE_NEWER'; readonly until: 'upgrade' };

export type HeldCode = Hold['why'];

/** How the stored set stands to a log. */
export type Footing =
  /** The set is a whole prefix of a log. */
  | (Position & { readonly is: 'follows' })
  /**
   * The set is not known to be whole, and only all of it, fetched anew, will do. `have` is what the host claims to hold:
   * the kernel's mark where that is ahead. `besides` is what the log has against it, too.
   */
  | (Position & {
      readonly is: 'unproven';
      readonly have: Cursor;
      readonly why: 'EMPTY' | Extract<Code, 'ADOPTING' | 'STORE_DAMAGED'>;
      readonly besides?: Extract<Hold, { until: 'sync' }>['why'];
    })
  /** The set was whole, and stays as it is. */
  | (Position & Hold & { readonly is: 'held' });

/** Whether the kernel may be made equal to the set: not while the kernel may be ahead of it, or part of it is unread. */
export function mayTouch(footing: Footing): boolean {
  if (footing.is === 'unproven') return footing.why === 'EMPTY';
  return footing.is === 'follows' || footing.until !== 'upgrade';
}

/** Whether what the set does not name is nobody's: absence never means delete before the set is proven complete (R6). */
export function mayPrune(footing: Footing): boolean {
  return footing.is !== 'unproven' && mayTouch(footing);
}

/**
 * Whether the kernel was told of another set than the one that is stored, a later one or another of as many commits: what became of
 * the stored one only the kernel knows.
 */
export function isOvertaken(footing: Footing): boolean {
  return footing.is === 'unproven' && !sameCursor(footing.have, footing.at);
}
