/** However short the first wait: a controller that works says so every second, if its machine is not busy with more. */
const LEAST_SIGN_MS = 10_000;

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

  /** There was a sign. */
  renew(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#wait(this.#signMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #wait(waitMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#late.reject(this.#onLate(waitMs)), waitMs);
  }
}
