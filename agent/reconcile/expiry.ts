import type { Decision } from './decision.ts';
import type { Schedule } from './schedule.ts';
import type { Tracker } from './tracker.ts';

/** Has a key looked at when its redirect ends. */
export class Expiry implements Tracker {
  readonly #schedule: Schedule;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  settled({ key, intent, state }: Decision): void {
    if (intent?.expires !== undefined && state !== 'expired') this.#schedule.at(key, intent.expires);
  }
}
