/** Keeps the first of many in an order, without ordering them all. */
export class Best<T> {
  readonly #limit: number;
  readonly #compare: (a: T, b: T) => number;
  readonly #items: T[] = [];
  #offered = 0;

  constructor(limit: number, compare: (a: T, b: T) => number) {
    this.#limit = limit;
    this.#compare = compare;
  }

  /** The first of them, in order. */
  get items(): readonly T[] {
    return this.#items;
  }

  /** How many there are. */
  get offered(): number {
    return this.#offered;
  }

  offer(item: T): void {
    this.#offered += 1;
    const last = this.#items.at(-1);
    const isFull = this.#items.length === this.#limit;
    if (isFull && last !== undefined && this.#compare(item, last) >= 0) return;
    this.#items.splice(this.#placeOf(item), 0, item);
    if (isFull) this.#items.pop();
  }

  #placeOf(item: T): number {
    let [from, to] = [0, this.#items.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#compare(this.#items[middle] as T, item) <= 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
