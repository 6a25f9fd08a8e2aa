import type { Clock } from '../../daemon/clock.ts';
import { Waker } from '../../daemon/waker.ts';
import { encodeStatus, type Status } from '../../protocol/status.ts';
import type { Bus } from '../ports.ts';

const COALESCE_MS = 1_000;
/** So long after something changed it is told: what comes of a change is told with it, and not a second later. */
const GATHER_MS = 50;
const REPEAT_MS = 15_000;
/** While something waits for what the controller makes of it. */
const HURRIED_MS = 3_000;

/** Publishes status soon after it changed, at most once a second, and every 15 s ± 20 % in any case; every 3 s where it hurries. */
export class StatusPublisher {
  readonly #summarise: (ended: boolean) => Status;
  readonly #bus: Pick<Bus, 'publish'>;
  readonly #clock: Clock;
  readonly #hurries: () => boolean;
  readonly #waker = new Waker();

  constructor(
    summarise: (ended: boolean) => Status,
    bus: Pick<Bus, 'publish'>,
    clock: Clock,
    hurries: () => boolean = () => false,
  ) {
    this.#hurries = hurries;
    this.#summarise = summarise;
    this.#bus = bus;
    this.#clock = clock;
  }

  /** Something that status shows is different now. */
  changed(): void {
    this.#waker.wake();
  }

  /** Says that the agent ends, so that nobody waits for the next one. */
  end(): void {
    this.#bus.publish('status', encodeStatus(this.#summarise(true)));
  }

  /** Publishes until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { delay, random } = this.#clock;
    try {
      for (;;) {
        this.#bus.publish('status', encodeStatus(this.#summarise(false)));
        await delay(COALESCE_MS - GATHER_MS, signal);
        const repeatMs = this.#hurries() ? HURRIED_MS : REPEAT_MS * (0.8 + 0.4 * random());
        await this.#waker.sleep(delay, repeatMs - COALESCE_MS, signal);
        await delay(GATHER_MS, signal);
        this.#waker.clear();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
