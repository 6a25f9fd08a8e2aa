import type { Page, SyncRequest } from '../../protocol/page.ts';
import { Refused } from '../../protocol/refused.ts';
import { Declined } from '../model/declined.ts';
import { readPage } from './pages.ts';
import type { Transaction } from './transaction.ts';
import type { Work } from './work.ts';

/** Hosts that are answered before others get their turn. */
const HOSTS_AT_ONCE = 64;
/** With so many changes in the pages before, no further one is read. */
const FEW = 256;

interface Asked {
  readonly request: SyncRequest;
  readonly budgetBytes: number;
  readonly answer: PromiseWithResolvers<Page>;
}

type Read = Page | { readonly error: unknown };

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
      const read: Read[] = [];
      const failed = (error: unknown) => read.push({ error });
      await this.#work.read((transaction) => this.#readSome(transaction, read)).catch(failed);
      // All at once, so that what is sent to them goes out together.
      for (const [at, { answer }] of this.#waiting.splice(0, read.length).entries()) tell(answer, read[at]);
      if (this.#waiting.length > 0) await this.#work.clock.turn();
    }
    this.#reading = false;
  }

  /** What is wrong with the database is wrong with the first that is not read, who may be by a second attempt. */
  async #readSome(transaction: Transaction, read: Read[]): Promise<void> {
    let changes = 0;
    while (read.length < HOSTS_AT_ONCE && changes < FEW) {
      const asked = this.#waiting[read.length];
      if (asked === undefined) return;
      const { request, budgetBytes } = asked;
      const page = await readPage(transaction, request, budgetBytes, this.#work.clock.nowMs()).catch(refusal);
      read.push(page);
      changes += 'changes' in page ? page.changes.length : changesBehind(request);
    }
  }
}

/** Whoever claims nothing is refused for what is on the page: to read that took as long as to give it. */
function changesBehind({ have }: SyncRequest): number {
  return have.epoch === '' ? FEW : 0;
}

function tell(answer: PromiseWithResolvers<Page>, read: Read | undefined): void {
  if (read === undefined) return;
  if ('error' in read) answer.reject(read.error);
  else answer.resolve(read);
}

function refusal(error: unknown): { readonly error: unknown } {
  if (error instanceof Declined || error instanceof Refused) return { error };
  throw error;
}
