import { randomBelow } from '../conformance/sequences.ts';
import { ManualClock } from '../fakes/manual-clock.ts';

/** A manual clock whose chance is that of a seed. */
export class SeededClock extends ManualClock {
  readonly #below: (bound: number) => number;

  constructor(seed: number) {
    super();
    this.#below = randomBelow(seed);
  }

  /** Delays are drawn, and no whole numbers. */
  override nowMs(): number {
    return Math.floor(super.nowMs());
  }

  /** Nobody here waits for the world outside: nothing is ready any more once the queue of promises is empty. */
  protected override othersRan(): Promise<void> {
    return new Promise((resolve) => process.nextTick(resolve));
  }

  override random(): number {
    return this.#below(2 ** 31) / 2 ** 31;
  }
}
