import type { Clock } from '../../daemon/clock.ts';

const SYNC_EVERY_MS = 30_000;
const FIRST_RETRY_MS = 1_000;
/** However many updates do not connect, syncs start no closer together than this. */
const SYNC_SPACING_MS = 100;

/** When the next sync is due: the earliest of all that was wanted, ever later after failures. In monotonic milliseconds. */
export class Pace {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'random'>;
  #dueAtMs = Number.NEGATIVE_INFINITY;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #failures = 0;

  constructor(clock: Pick<Clock, 'monotonicMs' | 'random'>) {
    this.#clock = clock;
  }

  /** Until the next one; not positive when it is due. */
  get leftMs(): number {
    return this.#dueAtMs - this.#clock.monotonicMs();
  }

  wantNow(): void {
    this.#wantAt(Number.NEGATIVE_INFINITY);
  }

  /** Wants one as soon as one may start again. */
  want(): void {
    this.#wantAt(this.#notBeforeMs);
  }

  /** One starts: what is wanted from here on is another one. */
  started(): void {
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    this.#notBeforeMs = this.#clock.monotonicMs() + SYNC_SPACING_MS;
  }

  /** The log answered; where it has something against the set, nobody asks again at once. */
  answered(outcome: 'well' | 'held'): void {
    const nowMs = this.#clock.monotonicMs();
    this.#failures = 0;
    if (outcome === 'held') this.#notBeforeMs = nowMs + FIRST_RETRY_MS;
    this.#wantAt(nowMs + SYNC_EVERY_MS * (0.8 + 0.4 * this.#clock.random()));
  }

  /** Answers how long the next try waits, and which failure in a row this was. */
  failed(): { readonly retryMs: number; readonly failures: number } {
    const nowMs = this.#clock.monotonicMs();
    const backoffMs = Math.min(SYNC_EVERY_MS, FIRST_RETRY_MS * 2 ** this.#failures) * (0.5 + this.#clock.random());
    this.#failures += 1;
    this.#notBeforeMs = nowMs + FIRST_RETRY_MS;
    this.#wantAt(nowMs + backoffMs);
    return { retryMs: Math.round(backoffMs), failures: this.#failures };
  }

  #wantAt(atMs: number): void {
    this.#dueAtMs = Math.min(this.#dueAtMs, atMs);
  }
}
