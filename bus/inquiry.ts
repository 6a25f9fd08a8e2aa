import type { NatsConnection } from 'nats';
import type { Clock } from '../daemon/clock.ts';
import { BusError, type BusErrorCode } from './error.ts';

/** What no looking for a server mends. */
const LASTING: readonly BusErrorCode[] = ['TLS', 'NO_CREDS', 'NO_FILES'];

/** After a connection was lost, and from then on; ± 20 %. */
const FIRST_MS = 5_000;
const AGAIN_MS = 30_000;

/**
 * While the client looks for a server by itself, it tells nobody what it finds. This asks on the side, now and then, whether
 * that is something that no looking mends: `found` resolves then, with it.
 */
export class Inquiry {
  readonly #clock: Pick<Clock, 'delay' | 'random'>;
  readonly #open: () => Promise<NatsConnection>;
  readonly #found = Promise.withResolvers<BusError>();
  #asking: AbortController | undefined;

  constructor(clock: Pick<Clock, 'delay' | 'random'>, open: () => Promise<NatsConnection>) {
    this.#clock = clock;
    this.#open = open;
  }

  get found(): Promise<BusError> {
    return this.#found.promise;
  }

  begin(): void {
    if (this.#asking !== undefined) return;
    this.#asking = new AbortController();
    this.#ask(this.#asking.signal).catch(() => {}); // aborted, as asked
  }

  end(): void {
    this.#asking?.abort();
    this.#asking = undefined;
  }

  async #ask(signal: AbortSignal): Promise<void> {
    for (let waitMs = FIRST_MS; ; waitMs = AGAIN_MS) {
      await this.#clock.delay(waitMs * (0.8 + 0.4 * this.#clock.random()), signal);
      const why = await this.#attempt();
      signal.throwIfAborted();
      if (why !== undefined) return this.#found.resolve(why);
    }
  }

  async #attempt(): Promise<BusError | undefined> {
    try {
      await (await this.#open()).close();
      return undefined; // the client will find it, too
    } catch (error) {
      const lasting = error instanceof BusError && LASTING.includes(error.code);
      return lasting ? error : undefined;
    }
  }
}
