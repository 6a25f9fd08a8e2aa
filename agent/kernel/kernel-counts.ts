import type { Native } from '../../native/index.ts';
import type { Counter } from '../model/counter.ts';
import type { Counts, Losses, PassedHits } from '../ports.ts';
import type { About } from './about.ts';
import type { OpenMaps } from './open-maps.ts';
import { Passed } from './passed.ts';
import { Stats } from './stats.ts';
import { readLosses, readVerdicts } from './traffic.ts';

/** What the program and the tracepoints counted. Errors: KernelError. */
export class KernelCounts implements Counts {
  readonly #native: Native;
  readonly #maps: OpenMaps;
  readonly #stats: Stats;
  readonly #passed: Passed | undefined;

  constructor(native: Native, maps: OpenMaps, { slots, cpuRows }: About) {
    this.#native = native;
    this.#maps = maps;
    this.#stats = new Stats(native, maps.stats, slots, cpuRows);
    this.#passed = maps.passed && new Passed(native, maps.passed, maps.verdicts, slots);
  }

  counters(slots: readonly number[]): Counter[] {
    return slots.map((slot) => this.#stats.read(slot));
  }

  seen(): Float64Array {
    return this.#stats.seen();
  }

  settled(slots: readonly number[]): Counter[] {
    return this.#stats.settled(slots);
  }

  retire(slots: readonly number[]): Counter[] {
    const last = this.#stats.retire(slots);
    this.#passed?.clear(slots);
    return last;
  }

  verdicts(): ReadonlyMap<string, bigint> {
    return readVerdicts(this.#native, this.#maps.verdicts);
  }

  losses(): Losses {
    return readLosses(this.#native, this.#maps.losses);
  }

  passed(): PassedHits | undefined {
    return this.#passed?.read();
  }
}
