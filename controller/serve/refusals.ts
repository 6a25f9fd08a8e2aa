import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import { Refused } from '../../protocol/refused.ts';

/** One line of log for all that is refused within this time: a flood of bad messages must not become a flood of lines. */
const LOG_EVERY_MS = 10_000;

/** Counts messages that were refused. */
export class Refusals {
  readonly #log: Log;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #byCode = new Map<string, number>();
  #loggedAtMs = Number.NEGATIVE_INFINITY;

  constructor(log: Log, clock: Pick<Clock, 'monotonicMs'>) {
    this.#log = log;
    this.#clock = clock;
  }

  get byCode(): ReadonlyMap<string, number> {
    return this.#byCode;
  }

  /** Counts a message that did not parse. Errors: whatever is no Refused. */
  add(error: unknown, subject: string): void {
    if (!(error instanceof Refused)) throw error;
    this.count(error.code, subject, error.message);
  }

  count(code: string, subject: string, reason: string): void {
    this.#byCode.set(code, (this.#byCode.get(code) ?? 0) + 1);
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#loggedAtMs < LOG_EVERY_MS) return;
    this.#loggedAtMs = nowMs;
    this.#log.warn({ code, subject, reason, refused: Object.fromEntries(this.#byCode) }, 'messages refused');
  }
}
