import type { Clock } from '../../daemon/clock.ts';

/** Less than this is the way of a page over the bus, and no clock that is wrong. */
const SLACK_MS = 1_000;

/**
 * What time it is for redirects that end: the controller's, as the last page told it, carried on by a clock that nobody can
 * set. The host's own wall clock counts only while no page was heard since its boot; which side of a jump is right, a host
 * alone cannot tell. Epoch milliseconds.
 */
export class SharedTime {
  readonly #clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  /** The controller's time less our monotonic one. */
  #offsetMs: number | undefined;
  /** The same of the wall clock, as it was when it was last looked at. */
  #wallMs: number;

  /** `offsetMs`: what an agent before this one heard last since the host's boot. */
  constructor(clock: Pick<Clock, 'nowMs' | 'monotonicMs'>, offsetMs: number | undefined) {
    this.#clock = clock;
    this.#offsetMs = offsetMs;
    this.#wallMs = clock.nowMs() - clock.monotonicMs();
  }

  get offsetMs(): number | undefined {
    return this.#offsetMs;
  }

  nowMs(): number {
    if (this.#offsetMs === undefined) return this.#clock.nowMs();
    return Math.round(this.#clock.monotonicMs() + this.#offsetMs);
  }

  /** How far the host's wall clock is ahead of the controller's; undefined while only the first is known. */
  get aheadMs(): number | undefined {
    return this.#offsetMs === undefined ? undefined : Math.round(this.#clock.nowMs() - this.nowMs());
  }

  /** A page said, at this time of the monotonic clock, what time it is. Answers whether that is another than it was. */
  hear(atMs: number, heardAtMs: number): boolean {
    const beforeMs = this.nowMs();
    const offsetMs = atMs - heardAtMs;
    if (this.#offsetMs !== undefined && Math.abs(offsetMs - this.#offsetMs) < SLACK_MS) return false;
    const first = this.#offsetMs === undefined;
    this.#offsetMs = offsetMs;
    return first || Math.abs(this.nowMs() - beforeMs) >= SLACK_MS;
  }

  /** Whether somebody has set the wall clock since this was last asked, and it is what counts. */
  wasSet(): boolean {
    const wallMs = this.#clock.nowMs() - this.#clock.monotonicMs();
    const byMs = Math.abs(wallMs - this.#wallMs);
    this.#wallMs = wallMs;
    return this.#offsetMs === undefined && byMs >= SLACK_MS;
  }
}
