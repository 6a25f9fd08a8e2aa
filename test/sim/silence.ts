/**
 * Since when a host's packets are silent: known from outside, of who came and when nobody could be seen. A store that was put
 * back may say that a redirect was given up which came to stand since; then nothing is judged.
 */
export class Silence {
  readonly #nowMs: () => number;
  readonly #lastMs = new Map<string, number>();
  #seenSinceMs = 0;
  #isKnown = true;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A packet met the entry, or it came to stand. */
  came(id: string): void {
    this.#lastMs.set(id, this.#nowMs());
  }

  /** Whatever was there may have come unseen until now. */
  blind(): void {
    this.#seenSinceMs = this.#nowMs();
  }

  unknown(): void {
    this.#isKnown = false;
  }

  /** Milliseconds. */
  of(id: string): number {
    if (!this.#isKnown) return Number.POSITIVE_INFINITY;
    return this.#nowMs() - Math.max(this.#seenSinceMs, this.#lastMs.get(id) ?? 0);
  }
}
