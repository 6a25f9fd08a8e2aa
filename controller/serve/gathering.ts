import type { Clock } from '../../daemon/clock.ts';

interface Terms {
  readonly momentMs: number;
  /** So many of each moment need not wait. */
  readonly atOnce: number;
}

/** Lets the first of each moment pass, and has the others wait until it is over: then they are seen to together. */
export class Gathering {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'delay'>;
  readonly #terms: Terms;
  #endMs = Number.NEGATIVE_INFINITY;
  #came = 0;
  #over: Promise<void> | undefined;

  constructor(clock: Pick<Clock, 'monotonicMs' | 'delay'>, terms: Terms) {
    this.#clock = clock;
    this.#terms = terms;
  }

  async pass(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs >= this.#endMs) this.#begin(nowMs);
    this.#came += 1;
    if (this.#came <= this.#terms.atOnce) return;
    this.#over ??= this.#clock.delay(this.#endMs - nowMs);
    await this.#over;
  }

  #begin(nowMs: number): void {
    this.#endMs = nowMs + this.#terms.momentMs;
    this.#came = 0;
    this.#over = undefined;
  }
}
