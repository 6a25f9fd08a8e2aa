import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import type { Upkeep } from '../ports.ts';

/** `shunt get` has all, and why. */
const LOGGED_NAMES = 20;
const TIDY_EVERY_MS = 10 * 60_000;

interface HouseParts {
  readonly upkeep: Upkeep;
  readonly clock: Pick<Clock, 'delay'>;
  readonly log: Log;
  /** Logs may have moved. */
  readonly onChange: () => void;
}

/**
 * Sees to it that the logs say what the specs say, once, and tells which specs nobody would take now; and then from time to time that what is no longer needed goes,
 * until the signal aborts. What fails is logged, and tried again with the next turn.
 */
export async function keepHouse({ upkeep, clock, log, onChange }: HouseParts, signal: AbortSignal): Promise<void> {
  const attempt = (work: Promise<void>): Promise<void> =>
    work.catch((error: unknown) => log.error({ error }, 'controller: keeping house failed'));
  await attempt(upkeep.reconcile(signal).then(onChange));
  await attempt(upkeep.refused().then((names) => tellRefused(names, log)));
  try {
    for (;;) {
      await clock.delay(TIDY_EVERY_MS, signal);
      await attempt(upkeep.tidy());
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function tellRefused(names: readonly string[], log: Log): void {
  if (names.length === 0) return;
  const redirects = names.slice(0, LOGGED_NAMES);
  log.warn({ redirects, total: names.length }, 'controller: redirects stand that an apply would refuse; see shunt get');
}
