import type { Clock } from '../../../daemon/clock.ts';
import { StoreError } from '../../model/store-error.ts';
import { storeErrorOf } from './sqlite-error.ts';

const BUSY_PAUSE_MS = 20;
/** An apply of 100,000 specs by another controller holds the lock for seconds. */
const BUSY_LIMIT_MS = 30_000;

/** Where the database is, and by what clock it is waited for. */
export interface Place {
  readonly path: string;
  readonly clock: Pick<Clock, 'monotonicMs' | 'delay'>;
}

/** Tries again while another process holds the lock. Errors: StoreError. */
export async function patiently<T>(attempt: () => Promise<T>, { path, clock }: Place): Promise<T> {
  const deadlineMs = clock.monotonicMs() + BUSY_LIMIT_MS;
  const never = AbortSignal.any([]);
  for (;;) {
    try {
      return await attempt();
    } catch (cause) {
      const error = storeErrorOf(cause, path);
      const busy = error instanceof StoreError && error.code === 'BUSY';
      if (!busy || clock.monotonicMs() > deadlineMs) throw error;
    }
    await clock.delay(BUSY_PAUSE_MS, never);
  }
}
