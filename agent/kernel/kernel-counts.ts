import type { Native } from '../../native/index.ts';
import type { Counter, Counts, Losses } from '../ports.ts';
import type { About } from './about.ts';
import type { OpenMaps } from './open-maps.ts';
import { Stats } from './stats.ts';
import { readLosses, readVerdicts } from './traffic.ts';

/** What the program and the tracepoints counted. Errors: KernelError. */
export class KernelCounts implements Counts {
  readonly #native: Native;
  readonly #maps: OpenMaps;
  readonly #stats: Stats;

  constructor(native: Native, maps: OpenMaps, { slots, cpuRows }: About) {
    this.#native = native;
    this.#maps = maps;
    this.#stats = new Stats(native, maps.stats, slots, cpuRows);
  }

  counters(slots: readonly number[]): Counter[] {
    return slots.map((slot) => this.#stats.read(slot));
  }

  retire(slots: readonly number[]): Counter[] {
    return this.#stats.retire(slots);
  }

  verdicts(): ReadonlyMap<string, bigint> {
    return readVerdicts(this.#native, this.#maps.verdicts);
  }

  losses(): Losses {
    return readLosses(this.#native, this.#maps.losses);
  }
}
