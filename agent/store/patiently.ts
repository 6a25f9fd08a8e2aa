import type { Clock } from '../../daemon/clock.ts';
import { StoreError } from '../model/store-error.ts';

const BUSY_PAUSE_MS = 20;
/** Whoever else opens the database, to copy it or to look, is through with its lock by then; else it is busy for now. */
const BUSY_LIMIT_MS = 1_000;

export type Patience = Pick<Clock, 'monotonicMs' | 'delay'>;

/** Tries again while another process holds the lock, and lets everything else run meanwhile. Errors: those of the attempt. */
export async function patiently<T>(attempt: () => T | Promise<T>, clock: Patience): Promise<T> {
  const deadlineMs = clock.monotonicMs() + BUSY_LIMIT_MS;
  const never = AbortSignal.any([]);
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const busy = error instanceof StoreError && error.code === 'BUSY';
      if (!busy || clock.monotonicMs() >= deadlineMs) throw error;
    }
    await clock.delay(BUSY_PAUSE_MS, never);
  }
}
