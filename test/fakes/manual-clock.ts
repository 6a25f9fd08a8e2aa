import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../daemon/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly fire: () => void;
}

/** A clock that stands still until it is told how much time has passed; random is always in the middle. */
export class ManualClock implements Clock {
  /** By how much the wall clock was set ahead; negative: back. */
  wallMs = 0;
  /** How long the others take that have their turn. */
  turnMs = 0;
  #ms = 0;
  #tokens = 0;
  /** Of `turn`, those that did not come yet. */
  #turns = 0;
  readonly #timers = new Set<Timer>();

  nowMs(): number {
    return 1_700_000_000_000 + this.#ms + this.wallMs;
  }

  monotonicMs(): number {
    return this.#ms;
  }

  readonly turn = async (): Promise<void> => {
    this.#turns += 1;
    await this.othersRan();
    this.#turns -= 1;
    this.#ms += this.turnMs;
  };

  random(): number {
    return 0.5;
  }

  /** Each is another, and every run has the same. */
  token(bytes: number): string {
    this.#tokens += 1;
    return this.#tokens.toString(16).padStart(2 * bytes, '0');
  }

  readonly delay = (delayMs: number, signal?: AbortSignal): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = (): void => {
      this.#timers.delete(timer);
      reject(signal?.reason);
    };
    const fire = (): void => {
      signal?.removeEventListener('abort', abort);
      resolve();
    };
    const timer = { atMs: this.#ms + delayMs, fire };
    if (signal?.aborted) abort();
    else {
      this.#timers.add(timer);
      signal?.addEventListener('abort', abort, { once: true });
    }
    return promise;
  };

  /** Lets so much time pass, firing timers in order, and lets everything that is ready run. */
  async pass(delayMs: number): Promise<void> {
    const endMs = this.#ms + delayMs;
    await this.#settle();
    for (;;) {
      const next = this.#nextUntil(endMs);
      if (next === undefined) break;
      this.#ms = Math.max(this.#ms, next.atMs);
      this.#timers.delete(next);
      next.fire();
      await this.#settle();
    }
    this.#ms = Math.max(this.#ms, endMs);
  }

  /** The timer that is due first, of those at one moment the oldest. */
  #nextUntil(endMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers)
      if (timer.atMs <= endMs && timer.atMs < (next?.atMs ?? Number.POSITIVE_INFINITY)) next = timer;
    return next;
  }

  /** Lets everything run that waits for nothing but its turn. */
  async #settle(): Promise<void> {
    do await this.othersRan();
    while (this.#turns > 0);
  }

  /** Resolves when everything else has run that was ready. */
  protected async othersRan(): Promise<void> {
    await setImmediate();
  }
}
