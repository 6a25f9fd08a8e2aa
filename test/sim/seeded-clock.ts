import type { Clock } from '../../daemon/clock.ts';
import { randomBelow } from '../conformance/sequences.ts';
import { ManualClock } from '../fakes/manual-clock.ts';

/** A clock whose wall clock is ahead of another's, by milliseconds; negative: behind. */
export function aheadOf(clock: ManualClock, aheadMs: () => number): Clock {
  return {
    nowMs: () => clock.nowMs() + aheadMs(),
    monotonicMs: () => clock.monotonicMs(),
    delay: clock.delay,
    turn: () => clock.turn(),
    random: () => clock.random(),
    token: (bytes) => clock.token(bytes),
  };
}

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
