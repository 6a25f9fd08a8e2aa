import type { Page, SyncRequest } from '../../protocol/page.ts';
import type { Update } from '../../protocol/update.ts';
import type { Logs, Moved, NewsOfLogs } from '../ports.ts';
import { type Opened, readHint, readOpened, readPage, readUpdate } from './pages.ts';
import type { Transaction } from './transaction.ts';
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

  together<T>(read: (now: NewsOfLogs) => Promise<T>): Promise<T> {
    return this.#work.read((transaction) => read(new NewsNow(transaction)));
  }

  update(host: string, afterRev: number, budgetBytes: number): Promise<Update | undefined> {
    return this.together((now) => now.update(host, afterRev, budgetBytes));
  }

  hint(host: string): Promise<Update | undefined> {
    return this.together((now) => now.hint(host));
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

  async update(host: string, afterRev: number, budgetBytes: number): Promise<Update | undefined> {
    return readUpdate(this.#transaction, await this.#newest(), { host, afterRev }, budgetBytes);
  }

  async hint(host: string): Promise<Update | undefined> {
    return readHint(this.#transaction, await this.#newest(), host);
  }

  async movedAfter(rev: number, marks = 0): Promise<Moved> {
    const { session, tables } = this.#transaction;
    const { moved, hosts } = await tables.marks.movedAfter(session, marks);
    return {
      rev: await tables.epochs.lastRev(session),
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
