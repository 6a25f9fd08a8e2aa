/** Something that is done again and again. */
export interface Period {
  readonly everyMs: number;
  readonly act: () => void;
}

/** Acts that come round; one that is late is done once, however often it was missed. Times are monotonic milliseconds. */
export class Periods {
  readonly #periods: readonly Period[];
  readonly #dueMs: number[];

  /** Each is due for the first time when its period is over. */
  constructor(periods: readonly Period[], nowMs: number) {
    this.#periods = periods;
    this.#dueMs = periods.map(({ everyMs }) => nowMs + everyMs);
  }

  /** When the next one is due. */
  get nextMs(): number {
    return Math.min(...this.#dueMs);
  }

  /** Does what is due. */
  run(nowMs: number): void {
    for (const [i, { everyMs, act }] of this.#periods.entries()) {
      if (nowMs < (this.#dueMs[i] ?? 0)) continue;
      this.#dueMs[i] = nowMs + everyMs;
      act();
    }
  }
}
