import { type Cursor, NO_CURSOR, sameCursor } from '../../../protocol/cursor.ts';
import type { Change } from '../../../protocol/intent.ts';
import { encodeSyncRequest, isSyncError, type Page, parsePageReply } from '../../../protocol/page.ts';

const MAX_PAGES = 100;

/** The last page of a log, and every change that it has after what it was fetched from. */
export interface Copy {
  readonly page: Page;
  readonly changes: readonly Change[];
}

/**
 * Fetches what a log has beyond a set, or all of it where `base` says so. Answers nothing where there was no answer that
 * counts, and `anew` where only the whole set will do.
 */
export async function fetchLog(
  base: 'stored' | 'empty',
  host: string,
  have: Cursor,
  ask: (request: Uint8Array) => Promise<Uint8Array> | undefined,
): Promise<Copy | 'anew' | undefined> {
  const began = base === 'stored' ? have : NO_CURSOR;
  const newest = new Map<string, Change>();
  let from = began;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const bytes = await ask(encodeSyncRequest({ v: 1, host, have, from }));
    const page = bytes && parsePageReply(bytes, host);
    if (page === undefined) return undefined;
    if (isSyncError(page)) return page.error.code === 'BAD_REQUEST' && base === 'stored' ? 'anew' : undefined;
    if (!sameCursor(page.have, have) || !sameCursor(page.from, from)) return undefined;
    if (page.standing === 'lost' || page.standing === 'unknown') return undefined;
    if (base === 'stored' && page.standing === 'superseded') return 'anew';
    if (page.floor > (base === 'stored' ? began.rev : page.head)) return 'anew';
    for (const change of page.changes) if (change.rev > began.rev) newest.set(change.key, change);
    if (!page.more) return { page, changes: [...newest.values()] };
    from = { epoch: page.epoch, rev: page.rev };
  }
  return undefined;
}
