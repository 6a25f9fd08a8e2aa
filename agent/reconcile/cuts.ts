import type { Intent } from '../../protocol/intent.ts';
import type { EntryState } from '../model/state.ts';
import type { Candidate } from '../model/stored.ts';
import type { Cut } from './brake.ts';
import { targetKey } from './target.ts';

/** What a host has before a change; of a key that it does not have there is nothing to get. */
export interface Had {
  readonly size: number;
  keys(): IteratorObject<string>;
  /** `put`: what is to take its place. */
  get(key: string, put?: Intent): Intent | undefined;
}

/** How things are when a change comes: what is wanted, how it stands, and what time it is for redirects that end. */
export interface Before {
  readonly desired: Had;
  readonly states: Pick<ReadonlyMap<string, EntryState>, 'get'>;
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

/**
 * Which redirects a candidate removes or sends elsewhere. What has ended by a rule of its own is not missed by anybody. A whole set
 * does not say by which change something is gone, so it counts as the last.
 */
export function cutsOf({ base, changes, cursor }: Candidate, before: Before): readonly Cut[] {
  if (before.desired.size === 0) return [];
  const named = changes.flatMap((change) =>
    cutOf(change.key, change.rev, change.op === 'put' ? change : undefined, before),
  );
  if (base === 'stored') return named;
  const keys = new Set(changes.map(({ key }) => key));
  const unnamed = before.desired.keys().filter((key) => !keys.has(key));
  return [...named, ...unnamed.flatMap((key) => cutOf(key, cursor.rev, undefined, before))];
}

function cutOf(key: string, rev: number, put: Intent | undefined, { desired, states, nowMs }: Before): readonly Cut[] {
  const was = desired.get(key, put);
  if (was === undefined || isOver(was, nowMs) || hasEnded(states.get(key))) return [];
  if (put === undefined || isOver(put, nowMs)) return [{ key, rev, what: 'removed' }];
  return isSameTarget(was, put) ? [] : [{ key, rev, what: 'retargeted' }];
}

/** Whether packets go where they went. */
export function isSameTarget(a: Pick<Intent, 'to'>, b: Pick<Intent, 'to'>): boolean {
  return targetKey(a.to) === targetKey(b.to);
}

function isOver({ expires }: Intent, nowMs: number): boolean {
  return expires !== undefined && expires <= nowMs;
}

/** Its entry is gone, and not for want of anything. */
function hasEnded(at: EntryState | undefined): boolean {
  return at?.state === 'idle' || at?.state === 'expired' || at?.code === 'GUARD_DENIED';
}
