import type { Page, SyncRequest } from '../../protocol/page.ts';
import { Refused } from '../../protocol/refused.ts';
import { Declined } from '../model/declined.ts';
import { readPage } from './pages.ts';
import type { Transaction } from './transaction.ts';
import type { Work } from './work.ts';

/** Hosts that are answered before others get their turn. */
const HOSTS_AT_ONCE = 64;
/** Changes that their pages have together, unless one alone has more. */
const FEW = 256;

interface Asked {
  readonly request: SyncRequest;
  readonly budgetBytes: number;
  readonly answer: PromiseWithResolvers<Page>;
}

/**
 * Pages that hosts ask for. Those who ask while another one is waited for are answered from one state of the logs, as far as there is
 * little to be read: most of a fleet asks whether it has all, and to begin a transaction takes as long as to say so.
 */
export class AskedPages {
  readonly #work: Work;
  readonly #waiting: Asked[] = [];
  #reading = false;

  constructor(work: Work) {
    this.#work = work;
  }

  /** Errors: those of `readPage`, and StoreError. */
  page(request: SyncRequest, budgetBytes: number): Promise<Page> {
    const answer = Promise.withResolvers<Page>();
    this.#waiting.push({ request, budgetBytes, answer });
    if (!this.#reading) void this.#readAll();
    return answer.promise;
  }

  async #readAll(): Promise<void> {
    this.#reading = true;
    while (this.#waiting.length > 0) {
      await this.#work.read((transaction) => this.#answerSome(transaction)).catch((error) => this.#answer({ error }));
      if (this.#waiting.length > 0) await this.#work.clock.turn();
    }
    this.#reading = false;
  }

  /** What is wrong with the database is wrong with the first of them, who may be answered by a second attempt. */
  async #answerSome(transaction: Transaction): Promise<void> {
    let changes = 0;
    for (let hosts = 0; hosts < HOSTS_AT_ONCE && changes < FEW; hosts += 1) {
      const [first] = this.#waiting;
      if (first === undefined) return;
      const read = await readPage(transaction, first.request, first.budgetBytes, this.#work.clock.nowMs()).catch(
        refusal,
      );
      this.#answer(read);
      if ('changes' in read) changes += read.changes.length;
    }
  }

  #answer(read: Page | { readonly error: unknown }): void {
    const answer = this.#waiting.shift()?.answer;
    if ('error' in read) answer?.reject(read.error);
    else answer?.resolve(read);
  }
}

function refusal(error: unknown): { readonly error: unknown } {
  if (error instanceof Declined || error instanceof Refused) return { error };
  throw error;
}
