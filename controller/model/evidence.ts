import type { Status } from '../../protocol/status.ts';

/** Of so many starts of its agent a host's statuses are told apart. */
const BOOTS_KEPT = 8;

/** What is remembered of the newest status of a host, to tell whether another one is newer. */
export interface Evidence {
  readonly boot: string;
  /** Absent of an agent that does not count. */
  readonly seq: number | undefined;
  /** The agent's own time; it orders only what is not counted. */
  readonly at: number;
  /** The last starts of the agent, the newest first: `boot` is the first of them. */
  readonly boots: readonly string[];
}

/**
 * Whether a status says something newer than the evidence: it is of the same start and was counted later, or of a start
 * that was not heard of yet. The host's clock may be wrong, and a bus may repeat and reorder: neither decides.
 */
export function isNewer({ boot, seq, at, boots }: Evidence, status: Pick<Status, 'boot' | 'seq' | 'at'>): boolean {
  if (status.boot !== boot) return !boots.includes(status.boot);
  return status.seq === undefined || seq === undefined ? status.at > at : status.seq > seq;
}

/** What is remembered once a status was found to be newer. */
export function remember(
  before: Evidence | undefined,
  { boot, seq, at }: Pick<Status, 'boot' | 'seq' | 'at'>,
): Evidence {
  const others = (before?.boots ?? []).filter((known) => known !== boot);
  return { boot, seq, at, boots: [boot, ...others].slice(0, BOOTS_KEPT) };
}
