import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import type { Refused } from '../../protocol/refused.ts';
import type { Status } from '../../protocol/status.ts';
import type { Outbox } from '../ports.ts';

/** One event stands for all that are refused within this time; the counts have them all. */
const EVENT_EVERY_MS = 10_000;

/** Counts what was refused, and says so: rule R9. */
export class Refusals {
  readonly #host: string;
  readonly #clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  readonly #log: Log;
  readonly #outbox: Pick<Outbox, 'event'>;
  readonly #byCode: Record<string, number> = {};
  #total = 0;
  #last: Status['refused']['last'];
  #lastEventAtMs = Number.NEGATIVE_INFINITY;

  constructor(host: string, clock: Pick<Clock, 'nowMs' | 'monotonicMs'>, log: Log, outbox: Pick<Outbox, 'event'>) {
    this.#host = host;
    this.#clock = clock;
    this.#log = log;
    this.#outbox = outbox;
  }

  add({ code, path, message }: Refused): void {
    const at = this.#clock.nowMs();
    this.#total += 1;
    this.#byCode[code] = (this.#byCode[code] ?? 0) + 1;
    this.#last = { code, path, at };
    if (this.#clock.monotonicMs() - this.#lastEventAtMs < EVENT_EVERY_MS) return;
    this.#lastEventAtMs = this.#clock.monotonicMs();
    this.#log.warn({ code, path, reason: message, total: this.#total }, 'message refused');
    this.#outbox.event({ v: 1, host: this.#host, at, kind: 'refused', code, detail: message });
  }

  summary(): Status['refused'] {
    const last = this.#last;
    return { total: this.#total, byCode: { ...this.#byCode }, ...(last !== undefined && { last }) };
  }
}
