import type { Page, SyncRequest } from '../../protocol/page.ts';
import type { Update } from '../../protocol/update.ts';
import type { Logs, Moved } from '../ports.ts';
import { readHint, readPage, readUpdate } from './pages.ts';
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

  hint(host: string): Promise<Update | undefined> {
    return this.#work.read((transaction) => readHint(transaction, host));
  }

  movedAfter(rev: number, marks = 0): Promise<Moved> {
    return this.#work.read(async ({ session, tables }) => {
      const { moved, hosts } = await tables.marks.movedAfter(session, marks);
      return {
        rev: await tables.epochs.lastRev(session),
        marks: moved,
        heads: await tables.heads.after(session, rev),
        marked: hosts,
      };
    });
  }
}
