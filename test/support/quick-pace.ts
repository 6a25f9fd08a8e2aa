import { PACE, type Pace } from '../../controller/rollout/pace.ts';

const TIMES = 20;

/** Rollouts take a twentieth of their time. What comes late is waited for as long as ever: on a busy machine all comes late. */
export const QUICK_PACE: Pace = Object.freeze({
  ...PACE,
  tickMs: PACE.tickMs / TIMES,
  countEveryMs: PACE.countEveryMs / TIMES,
  soaks: Object.freeze({ defaultMs: PACE.soaks.defaultMs / TIMES, leastMs: PACE.soaks.leastMs / TIMES }),
});
