import type { Cursor } from '../../protocol/cursor.ts';
import type { Standing } from '../../protocol/page.ts';
import { standingOf } from '../model/standing.ts';
import type { Transaction } from './transaction.ts';

/** Says how hosts stand to the log; most of them are of one epoch, which is looked up once. */
export class Standings {
  readonly #transaction: Transaction;
  readonly #epochs = new Map<string, Awaited<ReturnType<Transaction['tables']['epochs']['find']>>>();

  constructor(transaction: Transaction) {
    this.#transaction = transaction;
  }

  async of(claim: Cursor): Promise<Standing> {
    const { session, tables } = this.#transaction;
    if (!this.#epochs.has(claim.epoch)) {
      this.#epochs.set(claim.epoch, await tables.epochs.find(session, claim.epoch));
    }
    return standingOf(claim, this.#epochs.get(claim.epoch));
  }
}
