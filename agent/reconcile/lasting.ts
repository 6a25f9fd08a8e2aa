import { type EntryState, standsOn } from '../model/state.ts';
import type { Changed } from './pass-result.ts';

/** Entries in these states are gone by a rule, and nobody who finds none would know by which. */
const HAVE_ENDED: ReadonlySet<EntryState['state']> = new Set(['idle', 'expired', 'denied']);

/**
 * Whether what became of a key has to be on the disk, whatever the host dies of: neither the set nor a kernel that has booted
 * says it again. All else a power cut may take with the kernel that it speaks of; a process that dies takes nothing.
 */
export function hasToLast({ before, now }: Pick<Changed, 'before' | 'now'>): boolean {
  return isLasting(now) || (before !== undefined && (isLasting(before) || isGivenAway(before, now)));
}

function isLasting(row: EntryState): boolean {
  return HAVE_ENDED.has(row.state) || standsOn(row) || row.armed !== undefined || row.counted !== undefined;
}

/** Its slot counts for another key, or may. */
function isGivenAway(before: EntryState, now: EntryState): boolean {
  return before.slot !== null && before.slot !== now.slot;
}
