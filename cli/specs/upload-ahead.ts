import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { MAX_LIST } from '../../protocol/api.ts';
import { bytesOf, listBudgetBytes, MAX_MESSAGE_BYTES } from '../../protocol/json.ts';
import type { Bus } from '../client.ts';
import { Failure } from '../line/failure.ts';
import type { Ahead, Prepared } from './prepare.ts';
import { applyOn, isFull, type SentAhead } from './upload.ts';

/** Of a shorter text not one part would be on its way before the end is read. */
const LEAST_BYTES = 2 * MAX_MESSAGE_BYTES;
/** Parts that are counted on beside what the redirects so far let expect, since later ones may be longer. */
const SPARE = { share: 0.1, parts: 2 };

type OwnBus = Pick<Bus, 'api' | 'maxPayloadBytes'> & AsyncDisposable;

/**
 * Sends redirects while those behind them in the files are read, each part once the one before is answered: so the controller judges
 * them meanwhile. None of them counts before the last part, which `upload` sends. Whatever goes wrong here, `upload` meets
 * itself, and says.
 */
export class UploadAhead implements Ahead, AsyncDisposable {
  readonly #open: () => Promise<OwnBus>;
  readonly #files: readonly string[];
  readonly #id = randomUUID();
  #opening: Promise<void> | undefined;
  #bus: OwnBus | undefined;
  /** How many parts there will be; undefined before the first one is full. */
  #total: number | undefined;
  /** How many redirects are in full parts, how many were looked at, and what these take, in all and behind the full parts. */
  #cut = { specs: 0, parts: 0 };
  #looked = { specs: 0, bytes: 0, waiting: 0 };
  #sending: Promise<void> = Promise.resolve();
  #failed = false;

  constructor(open: () => Promise<OwnBus>, files: readonly string[]) {
    this.#open = open;
    this.#files = files;
  }

  /** Whether anything may have been sent. */
  get begun(): boolean {
    return this.#cut.parts > 0;
  }

  async take(specs: readonly Prepared[], readBytes: number, allBytes: number): Promise<void> {
    if (allBytes < LEAST_BYTES || readBytes === allBytes || this.#failed) return;
    this.#opening ??= this.#connect();
    if (this.#bus !== undefined) this.#cutParts(this.#bus, specs, readBytes / allBytes);
    await setImmediate(); // what waits for the bus has its turn
  }

  /** What was sent, once all of it is answered; undefined where nothing was, or something went wrong. */
  async sent(): Promise<SentAhead | undefined> {
    await this.#sending;
    if (this.#failed || this.#total === undefined) return undefined;
    return { id: this.#id, total: this.#total, ...this.#cut };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opening;
    await this.#bus?.[Symbol.asyncDispose]();
  }

  async #connect(): Promise<void> {
    await this.#orFail(async () => {
      this.#bus = await this.#open();
    });
  }

  /** Of the whole, `share` is read. */
  #cutParts(bus: OwnBus, specs: readonly Prepared[], share: number): void {
    const budgetBytes = listBudgetBytes(bus.maxPayloadBytes);
    const looked = this.#looked;
    for (; looked.specs < specs.length && !this.#failed; looked.specs += 1) {
      const size = bytesOf((specs[looked.specs] as Prepared).json) + 1; // and a comma
      this.#failed = size > budgetBytes;
      if (isFull({ bytes: looked.waiting + size, specs: looked.specs - this.#cut.specs + 1 }, budgetBytes)) {
        this.#total ??= expected({ ...looked, all: specs.length / share }, budgetBytes);
        this.#send(bus, specs.slice(this.#cut.specs, looked.specs), this.#total);
        looked.waiting = 0;
      }
      looked.bytes += size;
      looked.waiting += size;
    }
  }

  /** One part more; the last is not for here. */
  #send(bus: OwnBus, chosen: readonly Prepared[], parts: number): void {
    const part = this.#cut.parts;
    this.#failed ||= part + 1 >= parts;
    if (this.#failed) return;
    this.#cut = { specs: this.#cut.specs + chosen.length, parts: part + 1 };
    const { verb, encode, parse } = applyOn({});
    const request = encode({ v: 1, upload: this.#id, part, parts, specs: chosen.map(({ json }) => json) });
    const before = this.#sending;
    this.#sending = this.#orFail(async () => {
      await before;
      if (!this.#failed) await bus.api(verb, request, parse, { files: this.#files });
    });
  }

  async #orFail(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#failed = true;
    }
  }
}

interface Looked {
  readonly specs: number;
  readonly bytes: number;
  /** How many there will be. */
  readonly all: number;
}

/** How many parts all of them need, if the others are as those are that were looked at. */
function expected({ specs, bytes, all }: Looked, budgetBytes: number): number {
  const parts = all * Math.max(bytes / specs / budgetBytes, 1 / MAX_LIST);
  return Math.ceil(parts * (1 + SPARE.share)) + SPARE.parts;
}
