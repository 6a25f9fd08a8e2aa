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

/** Keys that are to be tried again, and how often each was tried so far. */
export class Retries {
  readonly #times = new Deadlines();
  readonly #tries = new Map<string, number>();

  get firstMs(): number {
    return this.#times.firstMs;
  }

  tries(key: string): number {
    return this.#tries.get(key) ?? 0;
  }

  /** One try more has failed, and the next is due then; without a time there is none, and none was. */
  next(key: string, atMs: number | undefined): void {
    if (atMs === undefined) {
      this.#tries.delete(key);
      this.#times.drop(key);
      return;
    }
    this.#tries.set(key, this.tries(key) + 1);
    this.#times.set(key, atMs);
  }

  /** What is wanted is something else now: counted from 0 again. */
  restart(key: string): void {
    this.#tries.delete(key);
  }

  take(nowMs: number): string[] {
    return this.#times.take(nowMs);
  }
}
