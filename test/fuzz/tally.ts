import type { Answer } from '../reference/program.ts';

/** What was counted, each by what it is called; of the reference and of the program alike. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(what: string, count: number): void {
    if (count !== 0) this.#counts.set(what, (this.#counts.get(what) ?? 0) + count);
  }

  /** When a slot was last seen; of several CPUs all the same. */
  saw(slot: number, now: boolean): void {
    this.#counts.set(`slot ${slot} seen ${now ? 'now' : 'at another time'}`, 1);
  }

  /** What the program is to count. */
  addAnswer({ verdict, hit, passed }: Answer): void {
    this.add(verdict, 1);
    if (hit !== undefined) {
      this.add(`packets of slot ${hit.slot}`, 1);
      this.add(`bytes of slot ${hit.slot}`, hit.bytes);
      this.saw(hit.slot, true);
    }
    if (passed !== undefined) this.add(`${passed.reason} of slot ${passed.slot}`, 1);
  }

  /** Whatever is not the same in both, as this one has it. */
  without(other: Tally): string {
    const different = [...this.#counts].filter(([what, count]) => other.#counts.get(what) !== count);
    return different.map(([what, count]) => `${what}: ${count}`).join(', ');
  }

  equals(other: Tally): boolean {
    return this.#counts.size === other.#counts.size && this.without(other) === '';
  }

  toString(): string {
    return [...this.#counts].map(([what, count]) => `${what}: ${count}`).join(', ');
  }
}
