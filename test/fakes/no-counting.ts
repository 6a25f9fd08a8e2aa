import type { Counting } from '../../controller/ports.ts';

/** Nobody counts. */
export const NO_COUNTING: Counting = {
  watch: () => {},
  forget: () => {},
  rollouts: [],
  of: () => undefined,
};
