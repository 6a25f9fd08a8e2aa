import { randomBytes } from 'node:crypto';
import { uptime } from 'node:os';
import { setImmediate, setTimeout } from 'node:timers/promises';

/** Time and chance as dependencies: a program takes both from the one that it is handed, and from nowhere else. */
export interface Clock {
  /** Epoch milliseconds. */
  nowMs(): number;
  /** Milliseconds since the machine's boot, the same to each process; never goes back, whatever becomes of the wall clock. */
  monotonicMs(): number;
  /** Resolves after the delay, or rejects when the signal aborts. */
  delay(delayMs: number, signal: AbortSignal): Promise<void>;
  /** Resolves when whatever else waits for its turn has had it. */
  turn(): Promise<void>;
  /** From 0 up to, but not, 1. */
  random(): number;
  /** So many random bytes, in hex: a name that nobody else has. */
  token(bytes: number): string;
}

/** Milliseconds since the machine's boot, also those that it slept: CLOCK_BOOTTIME (proc_uptime(5)), to ten of them. */
export function bootMs(): number {
  return Math.floor(uptime() * 1000);
}

/** The longest that a timer can wait; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Makes the machine's own clock. */
export function makeSystemClock(): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => Number(process.hrtime.bigint()) / 1e6, // CLOCK_MONOTONIC
    delay: async (delayMs, signal) => {
      for (let left = delayMs; left > 0; left -= MAX_TIMER_MS) {
        await setTimeout(Math.min(left, MAX_TIMER_MS), undefined, { signal });
      }
      signal.throwIfAborted();
    },
    turn: () => setImmediate(),
    random: () => Math.random(),
    token: (bytes) => randomBytes(bytes).toString('hex'),
  };
}
