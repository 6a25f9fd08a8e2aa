import { isSilentFor } from '../../protocol/status.ts';
import type { GateFacts, JudgedHost } from './gates.ts';

/** A host is there, or was heard not quite so lately, or is silent: only then it is known to be away. */
export type Presence = 'fresh' | 'quiet' | 'silent';

/** Which of the reached hosts are there, and whether others are: if they are not, silence says nothing of the rollout. */
export interface Presences {
  readonly fresh: readonly JudgedHost[];
  readonly quiet: readonly JudgedHost[];
  readonly silent: readonly JudgedHost[];
  /** At least half of the control hosts are there; of the reached ones where none is left for control. */
  readonly othersHeard: boolean;
}

/** Who answers is asked every 5 s: three answers that did not come are no accident. */
export const ANSWERS_WITHIN_MS = 15_000;

/**
 * An answer shows that a host is there as a status does; but what stands on it only its statuses say. One that answers is missed
 * sooner than one that only reports now and then.
 */
export function presenceOf(host: JudgedHost, freshMs: number): Presence {
  const heardMsAgo = heardAgo(host);
  if (isSilentFor(heardMsAgo)) return 'silent';
  const withinMs = host.counted === undefined ? freshMs : Math.min(freshMs, ANSWERS_WITHIN_MS);
  return heardMsAgo <= withinMs && host.statusMsAgo !== null && !isSilentFor(host.statusMsAgo) ? 'fresh' : 'quiet';
}

export function presencesOf({ reached, control, freshMs }: Omit<GateFacts, 'othersHeardMs'>): Presences {
  const by = Map.groupBy(reached, (host) => presenceOf(host, freshMs));
  const others = control.length > 0 ? control : reached;
  return {
    fresh: by.get('fresh') ?? [],
    quiet: by.get('quiet') ?? [],
    silent: by.get('silent') ?? [],
    othersHeard: howManyHeard(others, freshMs) * 2 >= others.length,
  };
}

/** How many of them are there. */
export function howManyHeard(hosts: readonly JudgedHost[], freshMs: number): number {
  return hosts.filter((host) => presenceOf(host, freshMs) === 'fresh').length;
}

export function heardText(host: JudgedHost): string {
  const ms = heardAgo(host);
  return Number.isFinite(ms) ? `was last heard ${Math.round(ms / 1000)} s ago` : 'was never heard';
}

function heardAgo({ statusMsAgo, counted }: JudgedHost): number {
  return Math.min(statusMsAgo ?? Number.POSITIVE_INFINITY, counted?.answeredMsAgo ?? Number.POSITIVE_INFINITY);
}
