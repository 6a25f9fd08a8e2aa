import { LookUp } from './look-up.ts';

/** A map with other values for some keys, and more of them; neither is copied. */
export class Overlay<V> extends LookUp<V> {
  readonly #base: ReadonlyMap<string, V>;
  readonly #over: ReadonlyMap<string, V>;

  constructor(base: ReadonlyMap<string, V>, over: ReadonlyMap<string, V>) {
    super();
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

  *entries(): MapIterator<[string, V]> {
    for (const [key, value] of this.#base) yield [key, this.#over.get(key) ?? value];
    for (const [key, value] of this.#over) if (!this.#base.has(key)) yield [key, value];
  }
}
