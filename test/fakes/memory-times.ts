import type { TimeStore } from '../../agent/ports.ts';

/** A time store in memory, of one boot of the host. It passes test/conformance/times.test.ts. */
export class MemoryTimes implements TimeStore {
  #offsetMs: number | undefined;

  load(): number | undefined {
    return this.#offsetMs;
  }

  save(offsetMs: number): void {
    this.#offsetMs = offsetMs;
  }
}
