import type { Clock } from '../../daemon/clock.ts';

/** Knows how long this process has listened without a break: who slept may not call anybody silent. */
export class Awake {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #breakMs: number;
  #sinceMs: number | undefined;
  #lookedMs = 0;
  readonly #known = new Map<string, { readonly sinceMs: number; seenMs: number }>();

  constructor(clock: Pick<Clock, 'monotonicMs'>, breakMs: number) {
    this.#clock = clock;
    this.#breakMs = breakMs;
  }

  /** Somebody looks; answers for how long. */
  look(): number {
    const now = this.#clock.monotonicMs();
    if (this.#sinceMs === undefined || now - this.#lookedMs > this.#breakMs) this.#sinceMs = now;
    this.#lookedMs = now;
    for (const [what, { seenMs }] of this.#known) if (now - seenMs > this.#breakMs) this.#known.delete(what);
    return now - this.#sinceMs;
  }

  /** Answers how long something is seen by each look. */
  knows(what: string): number {
    const now = this.#clock.monotonicMs();
    const known = this.#known.get(what) ?? { sinceMs: now, seenMs: now };
    known.seenMs = now;
    this.#known.set(what, known);
    return now - known.sinceMs;
  }
}
