import type { PlanLists } from '../../protocol/plan.ts';
import type { PlanPage, PlanPageRequest } from '../../protocol/plan-page.ts';
import type { Transaction } from '../log/transaction.ts';
import { Declined } from '../model/declined.ts';
import { stagePart } from './upload.ts';

type Page = Partial<PlanLists>;

/**
 * Keeps what the answer to a plan has no room for as the parts of an upload are kept: in the same room, for as long, and
 * for whichever controller is asked. Errors: Declined TOO_LARGE.
 */
export async function keepPages(
  transaction: Transaction,
  upload: string,
  pages: readonly Page[],
  nowMs: number,
): Promise<void> {
  for (const [part, page] of pages.entries())
    await stagePart(transaction, { upload, part, parts: pages.length, specs: [page] }, nowMs);
}

/** Answers a page, and forgets all of them with the last. Errors: Declined UPLOAD_LOST. */
export async function takePage(
  { session, tables }: Transaction,
  { v, upload, page, pages }: PlanPageRequest,
): Promise<PlanPage> {
  const [lists] = (await tables.uploads.specs(session, upload, page, pages)) ?? [];
  if (lists === undefined)
    throw new Declined('UPLOAD_LOST', `page ${page} of this plan is not here any more; plan again`);
  if (page === pages - 1) await tables.uploads.drop(session, upload);
  return { v, upload, page, ...(lists as Page) };
}
