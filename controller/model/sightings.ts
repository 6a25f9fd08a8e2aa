import type { Status } from '../../protocol/status.ts';

/** So long a host has to be heard with a change before the change is confirmed: what cuts it off does so within seconds. */
export const HEARD_FOR_MS = 10_000;

/** Since when a host has said that all up to a rev stands, or need not be confirmed. Monotonic, by when its statuses came here. */
interface Sight {
  readonly applied: number;
  readonly atMs: number;
}

/** What one start of an agent said of one epoch, the oldest first: each says more than the one before, and what the newest takes back is gone. */
export interface Sightings {
  readonly boot: string;
  readonly epoch: string;
  readonly seen: readonly Sight[];
}

type Said = Pick<Status, 'boot' | 'epoch' | 'applied' | 'unarmed'>;

/**
 * What is remembered once a newer status came. Of what was first said more than the time ago, the last is enough. A change that
 * does not stand yet cuts nobody off: the time counts from when it does.
 */
export function sighted(before: Sightings | undefined, said: Said, atMs: number): Sightings {
  const { boot, epoch, unarmed = Number.POSITIVE_INFINITY } = said;
  const applied = Math.min(said.applied, unarmed - 1);
  const same = before?.boot === boot && before.epoch === epoch ? before.seen : [];
  const held = same.filter((sight) => sight.applied <= applied);
  const since = same.find((sight) => sight.applied >= applied)?.atMs ?? atMs;
  const seen = held.at(-1)?.applied === applied ? held : [...held, { applied, atMs: since }];
  const old = seen.findLastIndex((sight) => atMs - sight.atMs >= HEARD_FOR_MS);
  return { boot, epoch, seen: seen.slice(Math.max(0, old)) };
}

/** Up to which rev a host has said long enough, until the newest status, that it applied all; 0 where it has not. */
export function steadyRev({ seen }: Sightings, atMs: number): number {
  return seen.findLast((sight) => atMs - sight.atMs >= HEARD_FOR_MS)?.applied ?? 0;
}

/** What bounds the mark of a host: what its newest status says, and its log. */
export interface Bounds {
  /** As `steadyRev`; of the start that the status is of. */
  readonly steady: number;
  readonly status: Pick<Status, 'applied' | 'unarmed'>;
  /** The revs of changes that were to be confirmed and that are exceptions now. */
  readonly exceptions: readonly number[];
  readonly head: number;
}

/** Up to which rev the changes of a host are confirmed by what it said itself: never past one that does not stand, nor to it. */
export function confirmedBy({ steady, status: { applied, unarmed }, exceptions, head }: Bounds): number {
  const lowest = Math.min(unarmed ?? Number.POSITIVE_INFINITY, ...exceptions);
  return Math.max(0, Math.min(steady, applied, lowest - 1, head));
}
