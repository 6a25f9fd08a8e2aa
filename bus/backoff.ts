import type { Clock } from '../daemon/clock.ts';

const FIRST_MS = 500;
const MAX_MS = 30_000;

/** How long to wait between attempts: from half a second on twice as long each time, up to half a minute, ± 20 %. */
export class Backoff {
  readonly #clock: Pick<Clock, 'random'>;
  #failures = 0;

  constructor(clock: Pick<Clock, 'random'>) {
    this.#clock = clock;
  }

  /** One more attempt failed; answers how long to wait. */
  failed(): number {
    const waitMs = Math.min(MAX_MS, FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
    return waitMs * (0.8 + 0.4 * this.#clock.random());
  }

  /** What was reached stood for so long; no less than the longest wait, and it counts as mended. */
  stood(forMs: number): void {
    if (forMs >= MAX_MS) this.#failures = 0;
  }
}
