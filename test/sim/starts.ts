/** Controllers tell the statuses of so many starts of a host's agent apart. */
const STARTS_KEPT = 8;

/** How often agents were started since one of their starts counted, told from outside. */
export class Starts {
  readonly #begun = new Map<string, number>();
  /** How many had begun when a start counted last. */
  readonly #countedAt = new Map<string, number>();

  began(host: string): void {
    this.#begun.set(host, this.#of(host) + 1);
  }

  /** A start counts; answers whether controllers may have forgotten it by now. */
  counts(host: string, boot: string): boolean {
    const before = this.#countedAt.get(boot) ?? this.#of(host);
    this.#countedAt.set(boot, this.#of(host));
    return this.#of(host) - before >= STARTS_KEPT;
  }

  #of(host: string): number {
    return this.#begun.get(host) ?? 0;
  }
}
