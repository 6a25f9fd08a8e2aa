import type { EntryState } from '../model/state.ts';
import type { ObservedEntry } from '../ports.ts';

/** Slots by key as they stand, and those that nobody holds (given out from the end). */
export interface SlotTable {
  readonly held: ReadonlyMap<string, number>;
  readonly free: number[];
}

/**
 * Finds who holds which slot at start. The kernel's word beats the store's, because packets are counted there already;
 * of two holders of one slot the first keeps it, the other gets a new one. A slot under an entry of none of these keys
 * is not free: packets are counted there until that entry goes.
 */
export function recoverSlots(
  total: number,
  keys: Iterable<string>,
  states: ReadonlyMap<string, EntryState>,
  observed: ReadonlyMap<string, ObservedEntry>,
  idOf: (key: string) => string,
): SlotTable {
  const taken = new Uint8Array(total);
  const held = new Map<string, number>();
  const claim = (key: string, slot: number): void => {
    if (slot >= total || taken[slot] === 1) return;
    taken[slot] = 1;
    held.set(key, slot);
  };
  const without: string[] = [];
  for (const key of keys) {
    const seen = observed.get(idOf(key));
    if (seen?.sound === true) claim(key, seen.value.slot);
    if (!held.has(key)) without.push(key);
  }
  for (const key of without) {
    const slot = states.get(key)?.slot;
    if (typeof slot === 'number') claim(key, slot);
  }
  for (const seen of observed.values()) if (seen.value.slot < total) taken[seen.value.slot] = 1;
  const free: number[] = [];
  for (let slot = total - 1; slot >= 0; slot -= 1) if (taken[slot] === 0) free.push(slot);
  return { held, free };
}

/** Gives every key that is desired or has a state the slot that it holds, and writes that into its state. */
export function recover(
  total: number,
  { desired, states }: { readonly desired: ReadonlyMap<string, unknown>; readonly states: Map<string, EntryState> },
  observed: ReadonlyMap<string, ObservedEntry>,
  idOf: (key: string) => string,
): Slots {
  const keys = [...desired.keys(), ...states.keys().filter((key) => !desired.has(key))];
  const table = recoverSlots(total, keys, states, observed, idOf);
  for (const key of keys) {
    const before = states.get(key);
    const slot = table.held.get(key) ?? null;
    if (before?.slot === slot) continue;
    states.set(key, { ...(before ?? { key, rev: 0, state: 'pending', sinceMs: 0 }), slot });
  }
  return new Slots(total, table);
}

/** Who holds which slot. One that is neither held nor free is counted into by an entry that nobody desires. */
export class Slots {
  readonly #holders: (string | undefined)[];
  readonly #free: number[];
  readonly #isFree: Uint8Array;
  readonly #turns: Uint32Array;

  constructor(total: number, { held, free }: SlotTable) {
    this.#holders = new Array<string | undefined>(total).fill(undefined);
    this.#free = free;
    this.#isFree = new Uint8Array(total);
    this.#turns = new Uint32Array(total);
    for (const slot of free) this.#isFree[slot] = 1;
    for (const [key, slot] of held) this.#holders[slot] = key;
  }

  /** Given out from the end. */
  get free(): readonly number[] {
    return this.#free;
  }

  /** By slot, how often it was freed: with another number it counts for another key, and from zero. */
  get turns(): Readonly<Uint32Array> {
    return this.#turns;
  }

  get used(): number {
    return this.#isFree.length - this.#free.length;
  }

  /** True for a slot that nobody holds and that an entry counts into: whoever overwrites that entry may have it. */
  adoptable(slot: number): boolean {
    return slot < this.#isFree.length && this.#isFree[slot] === 0 && this.#holders[slot] === undefined;
  }

  /** The key that a slot is counted for. */
  holderOf(slot: number): string | undefined {
    return this.#holders[slot];
  }

  /** Takes so many free ones, from the end; each is to be held by somebody. */
  take(count: number): void {
    for (const slot of this.#free.splice(this.#free.length - count, count)) this.#isFree[slot] = 0;
  }

  hold(slot: number, key: string): void {
    this.#holders[slot] = key;
  }

  /** The key is gone for good; its slot is no longer its own. */
  drop(slot: number, key: string): void {
    if (this.#holders[slot] === key) this.#holders[slot] = undefined;
  }

  /** Frees those that nobody holds, and answers them. No entry may count into them any more. */
  release(slots: ReadonlySet<number>): readonly number[] {
    const released = [...slots].filter((slot) => this.adoptable(slot));
    for (const slot of released) {
      this.#isFree[slot] = 1;
      this.#free.push(slot);
      this.#turns[slot] = (this.#turns[slot] ?? 0) + 1;
    }
    return released;
  }
}
