import type { Clock } from '../../daemon/clock.ts';
import type { Status } from '../../protocol/status.ts';
import type { TopReply, TopRequest } from '../../protocol/top.ts';
import type { RatesNow } from '../ports.ts';
import { HostTraffic } from './host-traffic.ts';
import { NameTable } from './name-table.ts';
import { ratesNow } from './rates-now.ts';
import { answerTop } from './top.ts';

/** What is too old goes so often. */
const PRUNE_EVERY_MS = 15_000;

/**
 * How fast packets met redirects within the last minutes, by what hosts told. It is in memory alone, of each controller for
 * itself, for each hears every status; one that starts knows nothing, and all again within minutes. Bounded by hosts × what
 * a status lists × statuses of five minutes.
 */
export class Traffic {
  readonly #clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  readonly #hosts = new Map<string, HostTraffic>();
  readonly #names = new NameTable();
  /** Epoch milliseconds. */
  readonly #sinceMs: number;
  #prunedMs: number;

  constructor(clock: Pick<Clock, 'nowMs' | 'monotonicMs'>) {
    this.#clock = clock;
    this.#sinceMs = clock.nowMs();
    this.#prunedMs = clock.monotonicMs();
  }

  take(status: Status): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#prunedMs >= PRUNE_EVERY_MS) this.#prune(nowMs);
    const host = this.#hosts.get(status.host) ?? new HostTraffic(this.#names);
    this.#hosts.set(status.host, host);
    host.take(status, this.#clock.nowMs(), nowMs);
  }

  /** How fast packets meet redirects now. */
  now(): RatesNow {
    return ratesNow(this.#hosts, this.#names, this.#clock.monotonicMs());
  }

  top(request: TopRequest, budgetBytes: number): TopReply {
    const nowMs = this.#clock.monotonicMs();
    this.#prune(nowMs);
    const fleet = { hosts: this.#hosts, names: this.#names };
    return answerTop(fleet, request, { nowMs, at: this.#clock.nowMs(), since: this.#sinceMs, budgetBytes });
  }

  #prune(nowMs: number): void {
    this.#prunedMs = nowMs;
    for (const [name, host] of this.#hosts) if (!host.prune(nowMs)) this.#hosts.delete(name);
  }
}
