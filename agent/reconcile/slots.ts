import type { EntryState } from '../model/state.ts';
import type { ObservedEntry } from '../ports.ts';

/** Slots by key as they stand, and those that nobody holds (given out from the end). */
export interface SlotTable {
  readonly held: ReadonlyMap<string, number>;
  readonly free: number[];
}

/**
 * Finds who holds which slot at start. The kernel's word beats the store's, because packets are counted there already;
 * of two holders of one slot the first keeps it, the other gets a new one. A slot under an entry that nobody desires
 * is not free: packets are counted there until that entry goes.
 */
export function recoverSlots(
  total: number,
  desired: Iterable<string>,
  states: ReadonlyMap<string, EntryState>,
  observed: ReadonlyMap<string, ObservedEntry>,
  idOf: (key: string) => string,
): SlotTable {
  const taken = new Set<number>();
  const held = new Map<string, number>();
  const claim = (key: string, slot: number): void => {
    if (slot >= total || taken.has(slot)) return;
    taken.add(slot);
    held.set(key, slot);
  };
  const keys = [...desired];
  for (const key of keys) {
    const seen = observed.get(idOf(key));
    if (seen?.sound === true) claim(key, seen.value.slot);
  }
  for (const key of keys) {
    const slot = states.get(key)?.slot;
    if (!held.has(key) && typeof slot === 'number') claim(key, slot);
  }
  for (const seen of observed.values()) taken.add(seen.value.slot);
  const free: number[] = [];
  for (let slot = total - 1; slot >= 0; slot -= 1) if (!taken.has(slot)) free.push(slot);
  return { held, free };
}
