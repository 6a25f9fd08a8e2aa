import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import type { TimeStore } from '../ports.ts';

export interface SharedTimeOptions {
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  readonly times: TimeStore;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

/** Less than this is the way of a page over the bus, and no clock that is wrong. */
const SLACK_MS = 1_000;

/**
 * What time it is for redirects that end: the controller's, as the last page told it, carried on by a clock that nobody can
 * set. The host's own wall clock counts only while no page was heard since its boot; which side of a jump is right, a host
 * alone cannot tell. Epoch milliseconds.
 */
export class SharedTime {
  readonly #clock: SharedTimeOptions['clock'];
  readonly #times: TimeStore;
  readonly #log: SharedTimeOptions['log'];
  /** The controller's time less our monotonic one. */
  #offsetMs: number | undefined;
  /** The same of the wall clock, as it was when it was last looked at. */
  #wallMs: number;
  /** What a page said, and when by the monotonic clock. */
  #heard: { readonly atMs: number; readonly heardAtMs: number } | undefined;

  /** It begins with what an agent before this one heard last since the host's boot. */
  constructor({ clock, times, log }: SharedTimeOptions) {
    this.#clock = clock;
    this.#times = times;
    this.#log = log;
    this.#offsetMs = times.load();
    this.#wallMs = clock.nowMs() - clock.monotonicMs();
  }

  nowMs(): number {
    if (this.#offsetMs === undefined) return this.#clock.nowMs();
    return Math.round(this.#clock.monotonicMs() + this.#offsetMs);
  }

  /** How far the host's wall clock is ahead of the controller's; undefined while only the first is known. */
  get aheadMs(): number | undefined {
    return this.#offsetMs === undefined ? undefined : Math.round(this.#clock.nowMs() - this.nowMs());
  }

  /** A page says that it is this time. */
  heard(atMs: number): void {
    this.#heard = { atMs, heardAtMs: this.#clock.monotonicMs() };
  }

  /** Takes what was heard since; answers whether it is another time than was thought. */
  take(): boolean {
    const heard = this.#heard;
    this.#heard = undefined;
    const moved = heard === undefined ? this.#wasSet() : this.#hear(heard.atMs, heard.heardAtMs);
    if (!moved) return false;
    this.#log.info({ aheadMs: this.aheadMs }, 'what time it is was learned anew');
    this.#save();
    return true;
  }

  /** An aid to the agent after this one; a disk that is full costs no more than that. */
  #save(): void {
    if (this.#offsetMs === undefined) return;
    try {
      this.#times.save(this.#offsetMs);
    } catch (error) {
      this.#log.warn({ error }, 'the time was not stored');
    }
  }

  #hear(atMs: number, heardAtMs: number): boolean {
    const beforeMs = this.nowMs();
    const offsetMs = atMs - heardAtMs;
    if (this.#offsetMs !== undefined && Math.abs(offsetMs - this.#offsetMs) < SLACK_MS) return false;
    const first = this.#offsetMs === undefined;
    this.#offsetMs = offsetMs;
    return first || Math.abs(this.nowMs() - beforeMs) >= SLACK_MS;
  }

  /** Whether somebody has set the wall clock since this was last asked, and it is what counts. */
  #wasSet(): boolean {
    const wallMs = this.#clock.nowMs() - this.#clock.monotonicMs();
    const byMs = Math.abs(wallMs - this.#wallMs);
    this.#wallMs = wallMs;
    return this.#offsetMs === undefined && byMs >= SLACK_MS;
  }
}
