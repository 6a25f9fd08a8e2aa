/** Where the times of so many keys come, those that are close together are taken in one go: each costs a look at all. */
const CROWD_KEYS = 1_000;
const CROWD_MS = 100;

/**
 * When keys are to be looked at: now, or at a time in epoch milliseconds; of several times of one key the earliest wins.
 * A key that is taken has no time any more: whoever follows it says it anew once it is decided. Asking costs nothing
 * before the first time has come.
 */
export class Schedule {
  readonly #due = new Set<string>();
  /** Due from the beginning, before all others: they may be a million, of which no set is made. */
  readonly #first: string[] = [];
  #firstTaken = 0;
  readonly #times = new Map<string, number>();
  #firstMs = Number.POSITIVE_INFINITY;

  /** True while keys are due, whatever the time. */
  get pending(): boolean {
    return this.due > 0;
  }

  /** How many keys are due, whatever the time. */
  get due(): number {
    return this.#first.length - this.#firstTaken + this.#due.size;
  }

  /** No time is earlier; one that was taken may still be told. Infinity when there is none. */
  get firstMs(): number {
    return this.#firstMs;
  }

  /** How long there is nothing to do for a time that comes, in milliseconds. */
  leftMs(nowMs: number): number {
    return Math.max(this.#times.size < CROWD_KEYS ? 1 : CROWD_MS, this.#firstMs - nowMs);
  }

  /** A key is due from the beginning: said once of each, before any is taken. */
  begin(key: string): void {
    this.#first.push(key);
  }

  markDue(keys: Iterable<string>): void {
    for (const key of keys) this.#due.add(key);
  }

  at(key: string, atMs: number): void {
    this.#times.set(key, Math.min(atMs, this.#times.get(key) ?? atMs));
    this.#firstMs = Math.min(this.#firstMs, atMs);
  }

  /** Every key that has a time is due: the time is another one. */
  markTimed(): void {
    this.markDue(this.#times.keys());
  }

  /** Takes keys that are due, in the order in which they became so. */
  take(nowMs: number, most: number): readonly string[] {
    if (nowMs >= this.#firstMs) this.#ring(nowMs);
    return this.#first.length > 0 ? this.#takeFirst(most) : this.#takeDue(most);
  }

  /** One that became due meanwhile is taken again in its turn. */
  #takeFirst(most: number): readonly string[] {
    const taken = this.#first.slice(this.#firstTaken, this.#firstTaken + most);
    this.#firstTaken += taken.length;
    if (this.#firstTaken === this.#first.length) {
      this.#first.length = 0;
      this.#firstTaken = 0;
    }
    for (const key of taken) this.#times.delete(key);
    return taken;
  }

  #takeDue(most: number): readonly string[] {
    const taken: string[] = [];
    for (const key of this.#due) {
      if (taken.length >= most) break;
      taken.push(key);
      this.#due.delete(key);
      this.#times.delete(key);
    }
    return taken;
  }

  #ring(nowMs: number): void {
    this.#firstMs = Number.POSITIVE_INFINITY;
    for (const [key, atMs] of this.#times) {
      if (atMs <= nowMs) this.#due.add(key);
      else this.#firstMs = Math.min(this.#firstMs, atMs);
    }
  }
}
