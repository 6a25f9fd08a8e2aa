import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import type { Upkeep } from '../ports.ts';

/** `shunt get` has all, and why. */
const LOGGED_NAMES = 20;
const TIDY_EVERY_MS = 10 * 60_000;
/** Until the logs say what the specs say, hosts may be served what is old. */
const AGAIN_MS = 10_000;

interface HouseParts {
  readonly upkeep: Upkeep;
  readonly clock: Pick<Clock, 'delay'>;
  readonly log: Log;
  /** Logs may have moved. */
  readonly onChange: () => void;
}

/**
 * Sees to it that the logs say what the specs say, once, and tells which specs nobody would take now; and then from time to
 * time that what is no longer needed goes, until the signal aborts. What fails is logged, and tried again: logs that do not
 * follow in ten seconds, all else with the next turn.
 */
export async function keepHouse({ upkeep, clock, log, onChange }: HouseParts, signal: AbortSignal): Promise<void> {
  const attempt = async (work: Promise<void>): Promise<boolean> => {
    try {
      await work;
      return true;
    } catch (error) {
      log.error({ error }, 'controller: keeping house failed');
      return false;
    }
  };
  let follow = await attempt(upkeep.reconcile(signal).then(onChange));
  await attempt(upkeep.refused().then((names) => tellRefused(names, log)));
  try {
    for (;;) {
      await clock.delay(follow ? TIDY_EVERY_MS : AGAIN_MS, signal);
      if (follow) await attempt(upkeep.tidy());
      else follow = await attempt(upkeep.reconcile(signal).then(onChange));
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
