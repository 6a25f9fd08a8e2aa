import type { Cursor } from '../../protocol/cursor.ts';

/** Why a set is held as it is. */
export type HeldCode = 'HISTORY_LOST' | 'FOREIGN_EPOCH' | 'BAD_DIGEST' | 'STORE_NEWER';

/** How the stored set stands to a log. */
export type Footing =
  /** The set is a whole prefix of a log, up to `at`. */
  | { readonly is: 'follows'; readonly at: Cursor; readonly digest: string }
  /** The set is not known to be whole. `have` is what the host claims to hold: the kernel's mark where that is ahead. */
  | {
      readonly is: 'unproven';
      readonly at: Cursor;
      readonly have: Cursor;
      readonly why: 'EMPTY' | 'ADOPTING' | 'STORE_DAMAGED';
    }
  /** Nothing is taken until a sync goes well, somebody asks for a resync, or a newer agent runs. */
  | {
      readonly is: 'held';
      readonly at: Cursor;
      readonly digest: string;
      readonly why: HeldCode;
      readonly until: 'sync' | 'resync' | 'upgrade';
    };

/** Whether the kernel may be made equal to the set: not while the kernel may be ahead of it, or part of it is unread. */
export function mayTouch(footing: Footing): boolean {
  if (footing.is === 'unproven') return footing.why === 'EMPTY';
  return footing.is === 'follows' || footing.until !== 'upgrade';
}

/** Whether what the set does not name is nobody's: absence never means delete before the set is proven complete (R6). */
export function mayPrune(footing: Footing): boolean {
  return footing.is !== 'unproven' && mayTouch(footing);
}
