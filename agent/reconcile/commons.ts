interface Kept<T> {
  readonly text: string;
  readonly it: T;
  users: number;
}

/** What many have in common, once each and known by a number, for as long as any of them has it. */
export class Commons<T> {
  readonly #same: (a: T, b: T) => boolean;
  readonly #textOf: (it: T) => string;
  readonly #numbers = new Map<string, number>();
  readonly #kept: (Kept<T> | undefined)[] = [];
  readonly #free: number[] = [];
  /** What was taken last: many in a row have the same. */
  #last = 0;

  /** Texts are equal exactly where `same` says so; they are made where one differs from the one before it. */
  constructor(same: (a: T, b: T) => boolean, textOf: (it: T) => string) {
    this.#same = same;
    this.#textOf = textOf;
  }

  /** How many there are. */
  get size(): number {
    return this.#numbers.size;
  }

  at(number: number): T {
    return this.#known(number).it;
  }

  /** One more has it, or an equal one; answers its number. */
  take(it: T): number {
    const last = this.#kept[this.#last];
    if (last === undefined || !this.#same(last.it, it)) this.#last = this.#numberOf(it);
    this.#known(this.#last).users += 1;
    return this.#last;
  }

  /** One has it no more. */
  leave(number: number): void {
    const kept = this.#known(number);
    kept.users -= 1;
    if (kept.users > 0) return;
    this.#numbers.delete(kept.text);
    this.#kept[number] = undefined;
    this.#free.push(number);
  }

  #numberOf(it: T): number {
    const text = this.#textOf(it);
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#free.pop() ?? this.#kept.length;
    this.#kept[number] = { text, it, users: 0 };
    this.#numbers.set(text, number);
    return number;
  }

  #known(number: number): Kept<T> {
    const kept = this.#kept[number];
    if (kept === undefined) throw new RangeError(`nobody has number ${number}`);
    return kept;
  }
}
