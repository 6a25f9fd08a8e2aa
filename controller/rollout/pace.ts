import type { Periods } from './snapshot.ts';
import type { Soaks } from './start.ts';

/** How long all of it takes. */
export interface Pace extends Periods {
  readonly soaks: Soaks;
  /** So often hosts are asked what packets do there. */
  readonly countEveryMs: number;
}

export const PACE: Pace = Object.freeze({
  tickMs: 500,
  freshMs: 60_000,
  convergeMs: 120_000,
  undecidedMs: 30_000,
  soaks: Object.freeze({ defaultMs: 300_000, leastMs: 30_000 }),
  countEveryMs: 5000,
});
