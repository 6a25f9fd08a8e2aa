/** So many looks may follow one another at once; more are taken one a second. */
const BURST = 50;
const REFILL_MS = 1_000;
/** What comes in a bunch is looked at once. */
const GAP_MS = 20;

/** Says how long the next look has to wait, so that what never rests costs little, and what is rare is met at once. */
export class LookPace {
  #left = BURST;
  #countedMs = Number.NEGATIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** Takes a look at this time. */
  take(nowMs: number): void {
    this.#count(nowMs);
    this.#left -= 1;
    this.#lastMs = nowMs;
  }

  /** How long the next one is to wait. */
  waitMs(nowMs: number): number {
    this.#count(nowMs);
    const gap = Math.max(0, this.#lastMs + GAP_MS - nowMs);
    return this.#left >= 1 ? gap : Math.max(gap, (1 - this.#left) * REFILL_MS);
  }

  #count(nowMs: number): void {
    if (nowMs > this.#countedMs) this.#left = Math.min(BURST, this.#left + (nowMs - this.#countedMs) / REFILL_MS);
    this.#countedMs = nowMs;
  }
}
