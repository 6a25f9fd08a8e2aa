import { eachOf, type Parts } from '../../daemon/parts.ts';
import type { EntryStates } from './entry-states.ts';
import type { Known } from './ledger.ts';
import type { ObservedEntries } from './observed-entries.ts';

/** So many keys, entries or slots are gone through in one go: a few milliseconds. */
const AT_ONCE = 2_048;

/** What slots are recovered from. */
export interface SlotSources extends Pick<Known, 'undesired'> {
  readonly desired: ReadonlyMap<string, unknown>;
  /** Each of these keys is given its slot here. */
  readonly states: EntryStates;
  readonly observed: Pick<ObservedEntries, 'soundSlotOf' | 'slots'>;
  readonly idOf: (key: string) => string;
}

/** Who holds which slot. One that is neither held nor free is counted into by an entry that nobody desires. */
export class Slots {
  readonly #holders: (string | undefined)[];
  readonly #free: number[] = [];
  readonly #isFree: Uint8Array;
  readonly #turns: Uint32Array;

  /** None is free before they are recovered. */
  constructor(total: number) {
    this.#holders = new Array<string | undefined>(total).fill(undefined);
    this.#isFree = new Uint8Array(total);
    this.#turns = new Uint32Array(total);
  }

  /**
   * Finds who holds which slot at start. The kernel's word beats the store's, because packets are counted there already;
   * of two holders of one slot the first keeps it, the other gets a new one. A slot under an entry of none of these keys
   * is not free: packets are counted there until that entry goes.
   */
  *recover({ desired, undesired, states, observed, idOf }: SlotSources): Parts<void> {
    const without: string[] = [];
    const byKernel = (key: string): void => {
      const slot = observed.soundSlotOf(idOf(key));
      if (slot === undefined || !this.#claim(slot, key, states)) without.push(key);
    };
    yield* eachOf(desired.keys(), AT_ONCE, byKernel);
    yield* eachOf(undesired, AT_ONCE, byKernel);
    yield* eachOf(without, AT_ONCE, (key) => {
      const slot = states.slotOf(key) ?? null;
      if (slot === null || !this.#claim(slot, key, states)) setSlot(states, key, null);
    });
    yield* this.#findFree(observed);
  }

  /** False where it is another's, or there is none. */
  #claim(slot: number, key: string, states: EntryStates): boolean {
    if (slot >= this.#holders.length || this.#holders[slot] !== undefined) return false;
    this.#holders[slot] = key;
    setSlot(states, key, slot);
    return true;
  }

  *#findFree(observed: SlotSources['observed']): Parts<void> {
    const total = this.#isFree.length;
    for (let slot = 0; slot < total; slot += 1) this.#isFree[slot] = this.#holders[slot] === undefined ? 1 : 0;
    yield* eachOf(observed.slots(), AT_ONCE, (slot) => {
      if (slot < total) this.#isFree[slot] = 0;
    });
    for (let slot = total - 1; slot >= 0; slot -= 1) if (this.#isFree[slot] === 1) this.#free.push(slot);
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

function setSlot(states: EntryStates, key: string, slot: number | null): void {
  if (states.slotOf(key) === slot) return;
  states.set(key, { ...(states.get(key) ?? { key, rev: 0, state: 'pending', sinceMs: 0 }), slot });
}
