import type { Intent } from '../../protocol/intent.ts';
import type { EntryState } from '../model/state.ts';
import type { Decision } from './decision.ts';
import type { Schedule } from './schedule.ts';
import type { Tracker } from './tracker.ts';

/** Has keys tried again that the kernel refused for now, and knows how often each was tried so far. */
export class Retries implements Tracker {
  readonly #schedule: Schedule;
  readonly #tries = new Map<string, number>();

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  /** How many keys are to be tried again. */
  get crowd(): number {
    return this.#tries.size;
  }

  tries(key: string): number {
    return this.#tries.get(key) ?? 0;
  }

  /** What is wanted is something else now: counted from 0 again. */
  wanted({ key }: Intent): void {
    this.#tries.delete(key);
  }

  settled({ key }: Decision, { retryAtMs }: EntryState): void {
    if (retryAtMs === undefined) {
      this.#tries.delete(key);
      return;
    }
    this.#tries.set(key, this.tries(key) + 1);
    this.#schedule.at(key, retryAtMs);
  }

  gone(key: string): void {
    this.#tries.delete(key);
  }
}
