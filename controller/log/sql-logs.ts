import type { Page, SyncRequest } from '../../protocol/page.ts';
import type { Update } from '../../protocol/update.ts';
import type { Head, Logs } from '../ports.ts';
import { readPage, readUpdate } from './pages.ts';
import type { Work } from './work.ts';

/** The logs of the hosts, in the database. */
export class SqlLogs implements Logs {
  readonly #work: Work;

  constructor(work: Work) {
    this.#work = work;
  }

  page(request: SyncRequest, budgetBytes: number): Promise<Page> {
    return this.#work.read((transaction) => readPage(transaction, request, budgetBytes, this.#work.clock.nowMs()));
  }

  update(host: string, afterRev: number, budgetBytes: number): Promise<Update | undefined> {
    return this.#work.read((transaction) => readUpdate(transaction, host, afterRev, budgetBytes));
  }

  movedAfter(rev: number): Promise<{ readonly rev: number; readonly heads: readonly Head[] }> {
    return this.#work.read(async ({ session, tables }) => ({
      rev: await tables.epochs.lastRev(session),
      heads: await tables.heads.after(session, rev),
    }));
  }
}
