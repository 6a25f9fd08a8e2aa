import type { Native } from '../../native/index.ts';
import type { Counter } from '../model/counter.ts';
import type { Counts, Losses, PassedHits, Totals } from '../ports.ts';
import type { About } from './about.ts';
import type { OpenMaps } from './open-maps.ts';
import { Passed } from './passed.ts';
import type { Place } from './place.ts';
import { Stats } from './stats.ts';
import { readLosses, readVerdicts } from './traffic.ts';

/** What the program and the tracepoints counted. Errors: KernelError. */
export class KernelCounts implements Counts {
  readonly #epoch: string;
  readonly #place: Pick<Place, 'isComing'>;
  #reads = 0;
  readonly #native: Native;
  readonly #maps: OpenMaps;
  readonly #stats: Stats;
  readonly #passed: Passed;

  /** `opening`: another number each time that maps are opened: who then holds which slot is found anew. */
  constructor(
    native: Native,
    maps: OpenMaps,
    { slots, cpuRows, instance }: About,
    opening: number,
    place: Pick<Place, 'isComing'>,
  ) {
    this.#epoch = `${instance}.${opening}`;
    this.#place = place;
    this.#native = native;
    this.#maps = maps;
    this.#stats = new Stats(native, maps.stats, slots, cpuRows);
    this.#passed = new Passed(native, maps.passed, maps.verdicts, slots);
  }

  /** What maps counted whose place these are to take is added to them all at once: until it was, no two looks belong together. */
  get epoch(): string {
    if (!this.#place.isComing) return this.#epoch;
    this.#reads += 1;
    return `${this.#epoch}.${this.#reads}`;
  }

  counters(slots: readonly number[]): Counter[] {
    return slots.map((slot) => this.#stats.read(slot));
  }

  totals(into?: Totals): Totals {
    return this.#stats.totals(into);
  }

  seen(): Float64Array {
    return this.#stats.seen();
  }

  settled(slots: readonly number[]): Counter[] {
    return this.#stats.settled(slots);
  }

  retire(slots: readonly number[]): Counter[] {
    const last = this.#stats.retire(slots);
    this.#passed.clear(slots);
    return last;
  }

  verdicts(): ReadonlyMap<string, bigint> {
    return readVerdicts(this.#native, this.#maps.verdicts);
  }

  losses(): Losses {
    return readLosses(this.#native, this.#maps.losses);
  }

  passed(): PassedHits {
    return this.#passed.read();
  }
}
