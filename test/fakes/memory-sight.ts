import type { SeenSince } from '../../agent/model/seeing.ts';
import type { SightStore } from '../../agent/ports.ts';

/** A sight store in memory. It passes test/conformance/times.test.ts. */
export class MemorySight implements SightStore {
  #seen: SeenSince | undefined;

  load(): SeenSince | undefined {
    return this.#seen;
  }

  save(seen: SeenSince): void {
    this.#seen = seen;
  }
}
