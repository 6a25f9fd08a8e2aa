import type { Page, SyncRequest } from '../../protocol/page.ts';
import type { Refused } from '../../protocol/refused.ts';
import type { Update } from '../../protocol/update.ts';
import type { Asked, Logs, Moved, NewsOfLogs, Written } from '../ports.ts';
import { AskedPages } from './asked-pages.ts';
import type { Transaction } from './transaction.ts';
import { type Opened, readOpened, readUpdates } from './updates.ts';
import type { Work } from './work.ts';

/** The logs of the hosts, in the database. */
export class SqlLogs implements Logs {
  readonly #work: Work;
  readonly #pages: AskedPages;

  constructor(work: Work) {
    this.#work = work;
    this.#pages = new AskedPages(work);
  }

  page(request: SyncRequest, budgetBytes: number): Promise<Page> {
    return this.#pages.page(request, budgetBytes);
  }

  together<T>(read: (now: NewsOfLogs) => Promise<T>): Promise<T> {
    return this.#work.read((transaction) => read(new NewsNow(transaction)));
  }

  written(): readonly Written[] {
    return this.#work.takeWritten();
  }

  movedAfter(rev: number, marks?: number): Promise<Moved> {
    return this.together((now) => now.movedAfter(rev, marks));
  }
}

/** What is to be told, in one transaction: what all hosts are told alike is read once. */
class NewsNow implements NewsOfLogs {
  readonly #transaction: Transaction;
  #opened: Promise<Opened> | undefined;

  constructor(transaction: Transaction) {
    this.#transaction = transaction;
  }

  async updates(asked: readonly Asked[], budgetBytes: number): Promise<readonly (Update | Refused | undefined)[]> {
    return readUpdates(this.#transaction, await this.#newest(), asked, budgetBytes);
  }

  async movedAfter(rev: number, marks = 0): Promise<Moved> {
    const { session, tables, newest } = this.#transaction;
    const { moved, hosts } = await tables.marks.movedAfter(session, marks);
    return {
      rev: newest?.lastRev ?? (await tables.epochs.lastRev(session)),
      marks: moved,
      heads: await tables.heads.after(session, rev),
      marked: hosts,
    };
  }

  #newest(): Promise<Opened> {
    this.#opened ??= readOpened(this.#transaction);
    return this.#opened;
  }
}
