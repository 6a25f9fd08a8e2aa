import type { Status } from '../../protocol/status.ts';

/** Of so many starts of its agent a host's statuses are told apart. */
const BOOTS_KEPT = 8;
/** An agent that lives has spoken within so long: it speaks twice as often. */
export const SPOKEN_WITHIN_MS = 40_000;

/** The newest that was heard of one start of an agent. */
export interface Heard {
  readonly boot: string;
  /** Absent of an agent that does not count. */
  readonly seq?: number;
  /** The agent's own time; it orders only what is not counted. */
  readonly at: number;
}

/** What is remembered of the statuses of a host, to tell whether another one is newer. */
export interface Evidence {
  /** The last starts of its agent; the first of them is the one that counts. */
  readonly boots: readonly Heard[];
  /** When the newest status came, in ms since 1970 by the controller's clock. */
  readonly seenAtMs: number;
}

type Said = Pick<Status, 'boot' | 'seq' | 'at'>;

/**
 * Whether a status that comes now says something newer than the evidence: it is of the start that counts and was said
 * later, or of a start that was not heard of yet. The host's clock may be wrong, and a bus may repeat and reorder: neither
 * decides. What a start said last may be heard first when the next one speaks already; so a start that was pushed aside
 * counts again once it says what is new and the one that counts has been silent.
 */
export function isNewer({ boots, seenAtMs }: Evidence, said: Said, nowMs: number): boolean {
  const heard = boots.find(({ boot }) => boot === said.boot);
  if (heard === undefined) return true;
  return isLater(heard, said) && (heard === boots[0] || nowMs - seenAtMs >= SPOKEN_WITHIN_MS);
}

/** What is remembered once a status was found to be newer. */
export function remember(before: Evidence | undefined, { boot, seq, at }: Said, nowMs: number): Evidence {
  const others = (before?.boots ?? []).filter((known) => known.boot !== boot);
  const heard = { boot, ...(seq !== undefined && { seq }), at };
  return { boots: [heard, ...others].slice(0, BOOTS_KEPT), seenAtMs: nowMs };
}

function isLater(heard: Heard, said: Said): boolean {
  return said.seq === undefined || heard.seq === undefined ? said.at > heard.at : said.seq > heard.seq;
}
