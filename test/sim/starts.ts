/** Controllers tell the statuses of so many starts of a host's agent apart. */
const STARTS_KEPT = 8;

/** How often agents were started since one of their starts counted, told from outside, and what has counted since. */
export class Starts {
  readonly #begun = new Map<string, number>();
  /** By host how many had begun when each start counted last, the one that counts now at the end. */
  readonly #counted = new Map<string, Map<string, number>>();

  began(host: string): void {
    this.#begun.set(host, this.#of(host) + 1);
  }

  /**
   * A start counts; answers whether controllers may have forgotten it by now. One that is heard late takes a place, too: of those that
   * counted while no other had begun, all but one are such, or were begun before.
   */
  counts(host: string, boot: string): boolean {
    const counted = this.#counted.get(host) ?? new Map<string, number>();
    this.#counted.set(host, counted);
    const [begun, before] = [this.#of(host), counted.get(boot)];
    const since = [...counted.values()].slice([...counted.keys()].indexOf(boot) + 1);
    const late = since.length - new Set(since).size;
    counted.delete(boot);
    counted.set(boot, begun);
    return before !== undefined && begun - before + late >= STARTS_KEPT;
  }

  #of(host: string): number {
    return this.#begun.get(host) ?? 0;
  }
}
