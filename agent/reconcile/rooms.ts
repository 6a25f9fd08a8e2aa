import type { Family } from '../../protocol/match.ts';
import { type Shape, shapeText } from '../../protocol/shape.ts';
import type { ObservedEntry } from '../ports.ts';
import type { ObservedCache } from './observed-cache.ts';
import type { Slots } from './slots.ts';

/** Admits new shapes while a family has room; shapes in use keep theirs. */
export class ShapeRoom {
  readonly #most: number;
  readonly #admitted: Record<Family, Set<string>> = { 4: new Set(), 6: new Set() };

  /** `most`: distinct shapes that each family may have. */
  constructor(observed: ObservedCache, most: number) {
    this.#most = most;
    for (const [text, use] of observed.uses.shapes) this.#admitted[use.shape.family].add(text);
  }

  hasRoom(shape: Shape): boolean {
    const admitted = this.#admitted[shape.family];
    return admitted.size < this.#most || admitted.has(shapeText(shape));
  }

  admit(shape: Shape): void {
    this.#admitted[shape.family].add(shapeText(shape));
  }
}

/** Lets as many entries stand as the guard of the host allows; what stands already comes before what is new. */
export class EntryRoom {
  readonly #most: number;
  #standing: number;

  constructor(observed: Pick<ObservedCache, 'entries'>, most: number) {
    this.#most = most;
    this.#standing = observed.entries.size;
  }

  /** Whether an entry may stand, whose place is counted if so. */
  admits(seen: ObservedEntry | undefined): boolean {
    const stands = seen !== undefined;
    const fits = stands ? this.#standing <= this.#most : this.#standing < this.#most;
    if (stands !== fits) this.#standing += fits ? 1 : -1;
    return fits;
  }
}

/** Gives out free slots. */
export class SlotRoom {
  taken = 0;
  readonly #slots: Pick<Slots, 'free' | 'adoptable'>;
  readonly #adopted = new Set<number>();

  constructor(slots: Pick<Slots, 'free' | 'adoptable'>) {
    this.#slots = slots;
  }

  /** The slot of the entry that stands there, if nobody else holds it, so that a lost store costs no slots; or a free one. */
  take(seen: ObservedEntry | undefined): number | undefined {
    const standing = seen?.sound === true ? seen.value.slot : undefined;
    if (standing !== undefined && this.#slots.adoptable(standing) && !this.#adopted.has(standing)) {
      this.#adopted.add(standing);
      return standing;
    }
    const slot = this.#slots.free.at(-1 - this.taken);
    if (slot !== undefined) this.taken += 1;
    return slot;
  }
}
