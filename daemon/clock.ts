import { randomBytes } from 'node:crypto';
import { uptime } from 'node:os';
import { setImmediate } from 'node:timers/promises';

/** Time and chance as dependencies: a program takes both from the one that it is handed, and from nowhere else. */
export interface Clock {
  /** Epoch milliseconds. */
  nowMs(): number;
  /** Milliseconds since the machine's boot, the same to each process; never goes back, whatever becomes of the wall clock. */
  monotonicMs(): number;
  /** Resolves after the delay, or rejects when the signal aborts, where there is one. */
  delay(delayMs: number, signal?: AbortSignal): Promise<void>;
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

/** Most delays are cut short, and for each of those Node's own promise of a timer would make an error, with its stack. */
function delay(delayMs: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let [left, timer] = [delayMs, undefined as NodeJS.Timeout | undefined];
  const abort = (): void => {
    clearTimeout(timer);
    reject(signal?.reason);
  };
  const goOn = (): void => {
    const step = Math.min(left, MAX_TIMER_MS);
    left -= step;
    if (step > 0) timer = setTimeout(goOn, step);
    else end();
  };
  const end = (): void => {
    signal?.removeEventListener('abort', abort);
    resolve();
  };
  if (signal?.aborted) abort();
  else {
    signal?.addEventListener('abort', abort, { once: true });
    goOn();
  }
  return promise;
}

/** Makes the machine's own clock. */
export function makeSystemClock(): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => Number(process.hrtime.bigint()) / 1e6, // CLOCK_MONOTONIC
    delay,
    turn: () => setImmediate(),
    random: () => Math.random(),
    token: (bytes) => randomBytes(bytes).toString('hex'),
  };
}
