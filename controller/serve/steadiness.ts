import type { Clock } from '../../daemon/clock.ts';
import type { Status } from '../../protocol/status.ts';
import { type Evidence, isNewer, remember } from '../model/evidence.ts';
import { type Sightings, sighted, steadyRev } from '../model/sightings.ts';

interface Heard {
  readonly evidence: Evidence;
  readonly sightings: Sightings;
}

/**
 * Remembers how far hosts said that they are, and since when, of those whose agents can take a change back. In memory: a
 * controller that starts again needs ten seconds to know it anew, and each of several hears every host.
 */
export class Steadiness {
  readonly #clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  readonly #heard = new Map<string, Heard>();

  constructor(clock: Pick<Clock, 'nowMs' | 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Takes a status as it comes; answers up to which rev the host has been heard long enough. What is no news says nothing: 0. */
  take(status: Status): number {
    const { host, can = [] } = status;
    if (!can.includes('confirm')) return 0;
    const [before, nowMs, atMs] = [this.#heard.get(host), this.#clock.nowMs(), this.#clock.monotonicMs()];
    if (before !== undefined && !isNewer(before.evidence, status, nowMs)) return 0;
    const sightings = sighted(before?.sightings, status, atMs);
    this.#heard.set(host, { evidence: remember(before?.evidence, status, nowMs), sightings });
    return steadyRev(sightings, atMs);
  }
}
