import type { Msg, NatsConnection, NatsError, Subscription } from 'nats';
import type { Clock } from '../daemon/clock.ts';
import type { Log } from '../daemon/log.ts';

/** A subscription that the server refused or took away is asked for again. */
const AGAIN_MS = 30_000;

/** What is listened to, and who listens; of several in one queue group, one gets a message. */
interface Wanted {
  readonly subject: string;
  readonly receive: (message: Msg) => void;
  readonly queue: string | undefined;
  /** Undefined while the server does not let it stand. */
  standing: Subscription | undefined;
  /** It is said once, and not at each attempt. */
  refused: boolean;
}

/** Subscriptions that stand on one connection after the other, and again after the server has taken them away. */
export class Subscriptions {
  readonly #wanted: Wanted[] = [];
  readonly #clock: Pick<Clock, 'delay'>;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  #connection: NatsConnection | undefined;

  constructor(clock: Pick<Clock, 'delay'>, log: Log, signal: AbortSignal) {
    this.#clock = clock;
    this.#log = log;
    this.#signal = signal;
  }

  add(subject: string, receive: (message: Msg) => void, queue?: string): void {
    const wanted: Wanted = { subject, receive, queue, standing: undefined, refused: false };
    this.#wanted.push(wanted);
    if (this.#connection?.isClosed() === false) this.#place(wanted, this.#connection);
  }

  /** From here on they stand on this connection; that before it is closed. */
  moveTo(connection: NatsConnection): void {
    this.#connection = connection;
    for (const wanted of this.#wanted) {
      wanted.refused = false;
      this.#place(wanted, connection);
    }
  }

  /** Takes no more messages; resolves when the server knows. */
  async drain(): Promise<void> {
    const standing = this.#wanted.splice(0).flatMap(({ standing }) => standing ?? []);
    await Promise.all(standing.filter((it) => !it.isClosed()).map((it) => it.drain()));
  }

  /**
   * The server does not let us listen there. Its word counts: of one in a queue group that it takes away, the client goes on
   * to believe that it stands.
   */
  deaf(subject: string): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    for (const wanted of this.#wanted.filter((it) => it.subject === subject && it.standing !== undefined)) {
      if (wanted.standing?.isClosed() === false) wanted.standing.unsubscribe();
      wanted.standing = undefined;
      if (!wanted.refused) this.#log.error({ subject }, 'bus: a subscription was refused, and is asked for again');
      wanted.refused = true;
      this.#placeAgain(wanted, connection).catch(() => {}); // on the way out nobody listens
    }
  }

  #place(wanted: Wanted, connection: NatsConnection): void {
    const { subject, receive, queue } = wanted;
    const callback = (error: NatsError | null, message: Msg): void => {
      if (error === null) receive(message); // else `deaf` is told
    };
    wanted.standing = connection.subscribe(subject, queue === undefined ? { callback } : { callback, queue });
  }

  async #placeAgain(wanted: Wanted, connection: NatsConnection): Promise<void> {
    await this.#clock.delay(AGAIN_MS, this.#signal);
    const left = this.#connection !== connection || connection.isClosed() || connection.isDraining();
    if (left || !this.#wanted.includes(wanted)) return;
    this.#place(wanted, connection);
    const placed = wanted.standing;
    // A refusal comes before the answer to this; where there is none, nobody knows.
    const known = await connection.flush().then(
      () => true,
      () => false,
    );
    if (placed?.isClosed() !== false) return;
    wanted.refused = false;
    if (known) this.#log.info({ subject: wanted.subject }, 'bus: a subscription stands again');
  }
}
