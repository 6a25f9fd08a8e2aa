import { setTimeout } from 'node:timers/promises';
import type { Clock } from './ports.ts';

/** The longest that a timer can wait; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Makes the machine's own clock. */
export function makeSystemClock(): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    delay: async (delayMs, signal) => {
      for (let left = delayMs; left > 0; left -= MAX_TIMER_MS) {
        await setTimeout(Math.min(left, MAX_TIMER_MS), undefined, { signal });
      }
      signal.throwIfAborted();
    },
    random: () => Math.random(),
  };
}
