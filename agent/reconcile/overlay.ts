/** A map with other values for some keys, and more of them; neither is copied. */
export class Overlay<V> implements ReadonlyMap<string, V> {
  readonly #base: ReadonlyMap<string, V>;
  readonly #over: ReadonlyMap<string, V>;

  constructor(base: ReadonlyMap<string, V>, over: ReadonlyMap<string, V>) {
    this.#base = base;
    this.#over = over;
  }

  get size(): number {
    return this.#base.size + [...this.#over.keys()].filter((key) => !this.#base.has(key)).length;
  }

  get(key: string): V | undefined {
    return this.#over.get(key) ?? this.#base.get(key);
  }

  has(key: string): boolean {
    return this.#over.has(key) || this.#base.has(key);
  }

  *entries(): Generator<[string, V]> {
    for (const [key, value] of this.#base) yield [key, this.#over.get(key) ?? value];
    for (const [key, value] of this.#over) if (!this.#base.has(key)) yield [key, value];
  }

  *keys(): Generator<string> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): Generator<V> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): Generator<[string, V]> {
    return this.entries();
  }

  forEach(act: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this.entries()) act(value, key, this);
  }
}
