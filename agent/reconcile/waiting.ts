import { type Family, familyOf } from '../../protocol/match.ts';
import type { EntryState } from '../model/state.ts';
import type { Decision } from './decision.ts';
import type { HostJudge } from './guard.ts';
import type { ObservedCache } from './observed-cache.ts';
import type { Tracker } from './tracker.ts';

/** Keys that are blocked until somebody makes room; those that came first are woken first. */
export class Waiting implements Tracker {
  readonly #shapesMax: number;
  readonly #guard: Pick<HostJudge, 'maxRedirects'>;
  readonly #slot = new Set<string>();
  readonly #shape: Readonly<Record<Family, Set<string>>> = { 4: new Set(), 6: new Set() };
  /** Beyond what the guard of the host allows. */
  readonly #allowed = new Set<string>();
  /** Refused by the kernel's map itself. */
  readonly #room = new Set<string>();

  /** `shapesMax`: distinct shapes that each family may have. */
  constructor(shapesMax: number, guard: Pick<HostJudge, 'maxRedirects'>) {
    this.#shapesMax = shapesMax;
    this.#guard = guard;
  }

  settled({ intent, full }: Decision, { key, code, slot }: EntryState): void {
    if (intent === undefined) return;
    this.gone(key);
    if (full === true) this.#allowed.add(key);
    if (code === 'SHAPES_FULL') this.#shape[familyOf(intent.match)].add(key);
    else if (code === 'MAP_FULL') (slot === null ? this.#slot : this.#room).add(key);
  }

  gone(key: string): void {
    for (const keys of [this.#slot, this.#shape[4], this.#shape[6], this.#room, this.#allowed]) keys.delete(key);
  }

  /** How many wait for a slot. */
  get forSlots(): number {
    return this.#slot.size;
  }

  /** Who may have what there is now: no more than there are free slots, so that a crowd does not look at each one. */
  *ready(freeSlots: number, observed: ObservedCache, removed: boolean): Iterable<string> {
    if (removed) yield* this.#room;
    for (const family of [4, 6] as const) {
      if (this.#shape[family].size > 0 && shapesUsed(observed, family) < this.#shapesMax) yield* this.#shape[family];
    }
    yield* this.#slot.values().take(freeSlots);
    yield* this.#allowed.values().take(Math.max(0, this.#guard.maxRedirects - observed.entries.size));
  }
}

function shapesUsed(observed: ObservedCache, family: Family): number {
  return observed.uses.shapes
    .values()
    .filter(({ shape }) => shape.family === family)
    .toArray().length;
}
