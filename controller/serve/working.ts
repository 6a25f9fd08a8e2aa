import type { Clock } from '../../daemon/clock.ts';
import { encodeWorking } from '../../protocol/working.ts';
import type { Bus } from '../ports.ts';

/** So often who waits hears of it; commands wait ten times as long for the next sign. */
const EVERY_MS = 1000;
/** Why it is said no more. An error of its own would be made anew each time. */
const DONE = 'done with';
/** An inbox and nothing else: any other subject could be that of a host. */
const INBOX = /^_INBOX(\.[A-Za-z0-9_-]{1,64}){1,8}$/;

/** Says again and again that a request is worked on, until it is done with. */
export class Working implements AsyncDisposable {
  readonly #ended = new AbortController();
  readonly #told: Promise<void>;
  #done = 0;

  /** `to` is where to say it; nothing is said where nobody asked for it. */
  constructor(to: string, bus: Pick<Bus, 'publish'>, clock: Pick<Clock, 'delay'>) {
    this.#told = INBOX.test(to) ? this.#tell(to, bus, clock) : Promise.resolve();
  }

  /** How far the work has come. */
  readonly hear = (done: number): void => {
    this.#done = done;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort(DONE);
    await this.#told;
  }

  async #tell(to: string, bus: Pick<Bus, 'publish'>, clock: Pick<Clock, 'delay'>): Promise<void> {
    const { signal } = this.#ended;
    try {
      for (;;) {
        await clock.delay(EVERY_MS, signal);
        bus.publish(to, encodeWorking({ v: 1, done: this.#done }));
      }
    } catch {
      // Ended; or the bus took it not, and then the answer tells.
    }
  }
}
