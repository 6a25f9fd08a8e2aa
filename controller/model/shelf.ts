/** Keeps values by key as far as there is room for what they weigh: those that were put first go first. */
export class Shelf<T> {
  readonly #room: number;
  readonly #weightOf: (value: T) => number;
  readonly #kept = new Map<string, T>();
  #weight = 0;

  constructor(room: number, weightOf: (value: T) => number) {
    this.#room = room;
    this.#weightOf = weightOf;
  }

  get size(): number {
    return this.#kept.size;
  }

  get(key: string): T | undefined {
    return this.#kept.get(key);
  }

  /** One that has no room by itself is kept until the next one comes. */
  put(key: string, value: T): void {
    this.drop(key);
    this.#weight += this.#weightOf(value);
    for (const first of this.#kept.keys()) {
      if (this.#weight <= this.#room) break;
      this.drop(first);
    }
    this.#kept.set(key, value);
  }

  drop(key: string): void {
    const value = this.#kept.get(key);
    if (value === undefined) return;
    this.#weight -= this.#weightOf(value);
    this.#kept.delete(key);
  }

  clear(): void {
    this.#kept.clear();
    this.#weight = 0;
  }
}
