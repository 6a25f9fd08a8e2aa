import { setTimeout } from 'node:timers/promises';
import { StoreError } from '../../model/store-error.ts';
import { storeErrorOf } from './sqlite-error.ts';

const BUSY_PAUSE_MS = 20;
/** An apply of 100,000 specs by another controller holds the lock for seconds. */
const BUSY_LIMIT_MS = 30_000;

/** Tries again while another process holds the lock. */
export async function patiently<T>(attempt: () => Promise<T>, path: string): Promise<T> {
  const deadline = performance.now() + BUSY_LIMIT_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (cause) {
      const error = storeErrorOf(cause, path);
      if (!(error instanceof StoreError && error.code === 'BUSY') || performance.now() > deadline) throw error;
    }
    await setTimeout(BUSY_PAUSE_MS);
  }
}
