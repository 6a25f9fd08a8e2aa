/** Keys with a time each; asking costs nothing until the first of them has come. */
export class Deadlines {
  readonly #times = new Map<string, number>();
  #firstMs = Number.POSITIVE_INFINITY;

  /** No time is earlier; one that was dropped may still be told. Infinity when there is none. Epoch milliseconds. */
  get firstMs(): number {
    return this.#firstMs;
  }

  set(key: string, atMs: number): void {
    this.#times.set(key, atMs);
    this.#firstMs = Math.min(this.#firstMs, atMs);
  }

  drop(key: string): void {
    this.#times.delete(key);
  }

  /** Takes out the keys whose time has come. */
  take(nowMs: number): string[] {
    if (nowMs < this.#firstMs) return [];
    const due: string[] = [];
    this.#firstMs = Number.POSITIVE_INFINITY;
    for (const [key, atMs] of this.#times) {
      if (atMs <= nowMs) due.push(key);
      else this.#firstMs = Math.min(this.#firstMs, atMs);
    }
    for (const key of due) this.#times.delete(key);
    return due;
  }
}
