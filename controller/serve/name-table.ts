/** Small numbers for names, for as long as somebody holds them: lists of numbers are small where lists of names are not. */
export class NameTable {
  readonly #ids = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #held: number[] = [];
  readonly #free: number[] = [];
  /** By number, in which round it came last. */
  readonly #rounds: number[] = [];
  #round = 0;

  /** Every number is less. */
  get size(): number {
    return this.#names.length;
  }

  /** The number of a name, which is held once more from now on. */
  hold(name: string): number {
    const id = this.#ids.get(name) ?? this.#take(name);
    this.#held[id] = (this.#held[id] ?? 0) + 1;
    return id;
  }

  /** It is held once less; a number that nobody holds is given to another name. */
  release(id: number): void {
    const held = (this.#held[id] ?? 0) - 1;
    this.#held[id] = held;
    if (held > 0) return;
    this.#ids.delete(this.nameOf(id));
    this.#free.push(id);
  }

  /** Undefined where nobody holds it. */
  idOf(name: string): number | undefined {
    return this.#ids.get(name);
  }

  /** Numbers that are in lists, each once. */
  distinct(lists: readonly (Uint32Array | readonly number[])[]): readonly number[] {
    this.#round += 1;
    const [rounds, round] = [this.#rounds, this.#round];
    const ids: number[] = [];
    for (const list of lists) {
      for (let at = 0; at < list.length; at += 1) {
        const id = list[at] ?? 0;
        if (rounds[id] === round) continue;
        rounds[id] = round;
        ids.push(id);
      }
    }
    return ids;
  }

  nameOf(id: number): string {
    return this.#names[id] ?? '';
  }

  #take(name: string): number {
    const id = this.#free.pop() ?? this.#names.length;
    this.#names[id] = name;
    this.#held[id] = 0;
    this.#rounds[id] = 0;
    this.#ids.set(name, id);
    return id;
  }
}
