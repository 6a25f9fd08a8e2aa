import { type Clock, makeSystemClock } from '../../daemon/clock.ts';

/** A tenth of each delay: what waits for half a minute waits for three seconds. */
export function makeShortDelays(): Clock {
  const clock = makeSystemClock();
  return { ...clock, delay: (delayMs, signal) => clock.delay(delayMs / 10, signal) };
}

/** Time goes by so many times as fast, but for the one that people tell. */
export function makeQuickClock(times: number): Clock {
  const clock = makeSystemClock();
  return {
    ...clock,
    monotonicMs: () => clock.monotonicMs() * times,
    delay: (delayMs, signal) => clock.delay(delayMs / times, signal),
  };
}
