import { randomBelow } from '../conformance/sequences.ts';

/** Draws lots, the same for the same seed. */
export class Draw {
  /** A whole number from 0 to below a bound. */
  readonly below: (bound: number) => number;

  constructor(seed: number) {
    this.below = randomBelow(seed);
  }

  /** True once in so many times. */
  once(inSoMany: number): boolean {
    return this.below(inSoMany) === 0;
  }

  between(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  of<T>(list: readonly [T, ...T[]] | readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** Mostly the first, once in `inSoMany` times one of the rest. */
  mostly<T>(usual: T, rest: readonly T[], inSoMany: number): T {
    return this.once(inSoMany) ? this.of(rest) : usual;
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count; at += 1) bytes[at] = this.below(256);
    return bytes;
  }

  list<T>(count: number, make: () => T): T[] {
    return Array.from({ length: count }, make);
  }

  shuffle<T>(list: readonly T[]): T[] {
    const all = [...list];
    for (let at = all.length - 1; at > 0; at -= 1) {
      const other = this.below(at + 1);
      [all[at], all[other]] = [all[other] as T, all[at] as T];
    }
    return all;
  }
}

/** A copy with one bit the other way. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
  return copy;
}
