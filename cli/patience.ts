/** However short the first wait: a controller that works says so every second, if its machine is not busy with more. */
const LEAST_SIGN_MS = 10_000;
/**
 * What was worked on is written to the disk at the end, in one go, and without a sign: 2,000,000 changes took 8 s on a machine
 * with five times as much to do as it could.
 */
const WRITTEN_MS = 1 / 50;

/** How long an answer is waited for: at first so long, and from each sign of work on anew. */
export class Patience implements Disposable {
  readonly #late = Promise.withResolvers<never>();
  readonly #signMs: number;
  readonly #onLate: (waitedMs: number) => Error;
  #timer: NodeJS.Timeout;

  /** `onLate` makes the error for when there was nothing for so long. */
  constructor(firstMs: number, signMs: number, onLate: (waitedMs: number) => Error) {
    this.#signMs = Math.max(signMs, LEAST_SIGN_MS);
    this.#onLate = onLate;
    this.#timer = this.#wait(firstMs);
    this.#late.promise.catch(() => {}); // whoever waits has it
  }

  /** Rejects when it is over. */
  get late(): Promise<never> {
    return this.#late.promise;
  }

  /** There was a sign, of so much that is done. */
  renew(done = 0): void {
    clearTimeout(this.#timer);
    this.#timer = this.#wait(Math.max(this.#signMs, done * WRITTEN_MS));
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #wait(waitMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#late.reject(this.#onLate(waitMs)), waitMs);
  }
}
