/**
 * Since when a host's packets are silent: known from outside, of who came and when nobody could be seen. A store that was put
 * back may say that a redirect was given up which came to stand since; then nothing is judged.
 */
export class Silence {
  readonly #nowMs: () => number;
  readonly #lastMs = new Map<string, number>();
  /** Why nobody can be seen now. */
  readonly #shut = new Set<string>();
  #seenSinceMs = 0;
  #isKnown = true;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A packet met the entry of a redirect, or it came to stand. */
  came(key: string): void {
    this.#lastMs.set(key, this.#nowMs());
  }

  /** For this reason nobody can be seen, or can be again. */
  shut(why: string, is: boolean): void {
    if (this.#shut.size > 0) this.blind();
    if (is) this.#shut.add(why);
    else this.#shut.delete(why);
  }

  /** Whatever was there may have come unseen until now. */
  blind(): void {
    this.#seenSinceMs = this.#nowMs();
  }

  unknown(): void {
    this.#isKnown = false;
  }

  /** Milliseconds. */
  of(key: string): number {
    if (!this.#isKnown) return Number.POSITIVE_INFINITY;
    if (this.#shut.size > 0) return 0;
    return this.#nowMs() - Math.max(this.#seenSinceMs, this.#lastMs.get(key) ?? 0);
  }
}
