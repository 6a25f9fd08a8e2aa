/** Looks may take so much time in a row; then this part of the time that passes, so that what never rests costs little. */
const BURST_MS = 1_000;
const PART = 1 / 20;
/** What comes in a bunch is looked at once. */
const GAP_MS = 20;
const WAIT_MOST_MS = 5_000;

/** Says how long the next look has to wait. */
export class LookPace {
  #leftMs = BURST_MS;
  #countedMs = Number.NEGATIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** A look took from then until now. */
  took(fromMs: number, nowMs: number): void {
    this.#count(nowMs);
    this.#leftMs -= nowMs - fromMs;
    this.#lastMs = nowMs;
  }

  /** How long the next one is to wait. */
  waitMs(nowMs: number): number {
    this.#count(nowMs);
    const gapMs = Math.max(0, this.#lastMs + GAP_MS - nowMs);
    return Math.max(gapMs, Math.min(-this.#leftMs / PART, WAIT_MOST_MS));
  }

  #count(nowMs: number): void {
    if (nowMs > this.#countedMs) this.#leftMs = Math.min(BURST_MS, this.#leftMs + (nowMs - this.#countedMs) * PART);
    this.#countedMs = nowMs;
  }
}
