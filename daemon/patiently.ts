import type { Clock } from './clock.ts';

const BUSY_PAUSE_MS = 20;

/** For what is waited, for how long, and by what clock. */
export interface Patience {
  readonly isBusy: (error: unknown) => boolean;
  readonly limitMs: number;
  readonly clock: Pick<Clock, 'monotonicMs' | 'delay'>;
}

/** Tries again while another process holds the lock, and lets everything else run meanwhile. Errors: those of the attempt. */
export async function patiently<T>(attempt: () => T | Promise<T>, { isBusy, limitMs, clock }: Patience): Promise<T> {
  const deadlineMs = clock.monotonicMs() + limitMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isBusy(error) || clock.monotonicMs() >= deadlineMs) throw error;
    }
    await clock.delay(BUSY_PAUSE_MS);
  }
}
