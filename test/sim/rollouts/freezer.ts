import type { Database } from '../../../controller/store/session.ts';
import type { Clock } from '../../../daemon/clock.ts';

/** A process that may be stopped for a while, as by SIGSTOP or a machine that sleeps: what comes meanwhile it hears when it wakes. */
export class Freezer {
  #thawed: PromiseWithResolvers<void> | undefined;
  /** How often it waits for something until it stops. */
  #waits = Number.POSITIVE_INFINITY;

  readonly #onWrite: () => void;

  /** `onWrite`: is called when a transaction of its own begins, of which there is one at a time. */
  constructor(onWrite: () => void) {
    this.#onWrite = onWrite;
  }

  get isFrozen(): boolean {
    return this.#thawed !== undefined;
  }

  get waitsLeft(): number {
    return this.#waits;
  }

  /** It stops, now or where it has waited so often from now on. */
  freeze(waits = 0): void {
    this.#waits = waits > 0 ? waits : Number.POSITIVE_INFINITY;
    if (waits === 0) this.#thawed ??= Promise.withResolvers();
  }

  thaw(): void {
    this.#waits = Number.POSITIVE_INFINITY;
    this.#thawed?.resolve();
    this.#thawed = undefined;
  }

  /** It died where it stood: nothing that it waits for comes to it any more. */
  forget(): void {
    this.#waits = Number.POSITIVE_INFINITY;
    this.#thawed = undefined;
  }

  clock(clock: Clock): Clock {
    return {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      delay: (delayMs, signal) => this.#through(clock.delay(delayMs, signal)),
      turn: () => clock.turn(),
      random: () => clock.random(),
      token: (bytes) => clock.token(bytes),
    };
  }

  /** It stops before or after a transaction: one that stops within would hold the database against the other. */
  database(database: Database): Database {
    return {
      path: database.path,
      look: () => database.look(),
      inspect: () => database.inspect(),
      confirm: () => database.confirm(),
      read: (work) => this.#through(database.read(work)),
      write: (work) =>
        this.#through(
          database.write((...of) => {
            this.#onWrite();
            return work(...of);
          }),
        ),
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  }

  async #through<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } finally {
      this.#waits -= 1;
      if (this.#waits === 0) this.freeze();
      while (this.#thawed !== undefined) await this.#thawed.promise;
    }
  }
}
