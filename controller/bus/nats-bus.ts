import type { Msg, NatsConnection, NatsError, Subscription } from 'nats';
import { openConnection } from '../../bus/connect.ts';
import { BusError } from '../../bus/error.ts';
import { toServerOptions } from '../../bus/options.ts';
import type { BusServers } from '../../bus/servers.ts';
import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import type { Bus, Incoming } from '../ports.ts';

const CONNECT_TIMEOUT_MS = 5000;
/** Two pings without an answer, and the connection counts as lost: a frozen server is noticed within 30 s. */
const PING_INTERVAL_MS = 10_000;
const MAX_PINGS_OUT = 2;
/** A server that hangs must not keep us from ending. */
const LEAVE_MS = 3000;
const RECONNECT_WAIT_MS = 500;
const RECONNECT_JITTER_MS = 1000;

/** Core NATS. */
export class NatsBus implements Bus, AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly #clock: Pick<Clock, 'delay'>;
  readonly #log: Log;
  readonly #subscriptions: Subscription[] = [];
  readonly #atHand = new Set<Promise<void>>();
  readonly #onConnect: (() => void)[] = [];
  #connected = true;
  /** False once the server let us wait in vain: it is not waited for a second time. */
  #answers = true;

  private constructor(connection: NatsConnection, clock: Pick<Clock, 'delay'>, log: Log) {
    this.#connection = connection;
    this.#clock = clock;
    this.#log = log;
    void this.#follow().catch((error: unknown) => this.#log.error({ error }, 'bus: following the connection failed'));
  }

  /** Connects once; from then on it reconnects for ever. Errors: BusError. */
  static async connect(servers: BusServers, clock: Pick<Clock, 'delay'>, log: Log): Promise<NatsBus> {
    const connection = await openConnection({
      ...toServerOptions(servers),
      name: 'shunt-controller',
      timeout: CONNECT_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      reconnectJitter: RECONNECT_JITTER_MS,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: MAX_PINGS_OUT,
    });
    return new NatsBus(connection, clock, log);
  }

  get connected(): boolean {
    return this.#connected && !this.#connection.isClosed();
  }

  get maxPayloadBytes(): number {
    return this.#connection.info?.max_payload ?? 0;
  }

  publish(subject: string, data: Uint8Array): void {
    if (data.length > this.maxPayloadBytes) {
      throw new BusError(
        'TOO_LARGE',
        `publish ${subject}`,
        `${data.length} bytes, and the server takes ${this.maxPayloadBytes}`,
      );
    }
    this.#connection.publish(subject, data);
  }

  flush(): Promise<void> {
    return this.#connection.flush();
  }

  subscribe(subject: string, receive: (message: Incoming) => Promise<void>, queue?: string): void {
    const callback = (error: NatsError | null, message: Msg): void => {
      if (error !== null) this.#log.error({ error, subject }, 'bus: a subscription was refused');
      else this.#keep(receive({ subject: message.subject, replyTo: message.reply ?? '', data: message.data }), subject);
    };
    this.#subscriptions.push(
      this.#connection.subscribe(subject, queue === undefined ? { callback } : { callback, queue }),
    );
  }

  onConnect(callback: () => void): void {
    this.#onConnect.push(callback);
  }

  /** Takes no more messages, and waits for those at hand. */
  async drain(): Promise<void> {
    if (this.connected) {
      this.#answers = await this.#within(LEAVE_MS, Promise.all(this.#subscriptions.map((taken) => taken.drain())));
    }
    await Promise.all(this.#atHand);
  }

  /** Lets what was published go out, and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#connection.isClosed()) return;
    if (this.connected && this.#answers) await this.#within(LEAVE_MS, this.#connection.flush());
    await this.#connection.close();
  }

  #keep(work: Promise<void>, subject: string): void {
    const kept = work
      .catch((error: unknown) => this.#log.error({ error, subject }, 'bus: a message could not be dealt with'))
      .finally(() => this.#atHand.delete(kept));
    this.#atHand.add(kept);
  }

  async #follow(): Promise<void> {
    for await (const { type, data } of this.#connection.status()) {
      if (type === 'disconnect') {
        this.#connected = false;
        this.#log.warn({ server: data }, 'bus: connection lost');
      } else if (type === 'reconnect') {
        this.#connected = true;
        this.#log.info({ server: data }, 'bus: connected again');
        for (const callback of this.#onConnect) callback();
      } else if (type === 'error') {
        this.#log.error({ reason: data }, 'bus: the server refused something');
      }
    }
  }

  /** Waits for a courtesy to the server, but not for ever, and not for one that it refuses; answers whether it came. */
  async #within(limitMs: number, courtesy: Promise<unknown>): Promise<boolean> {
    const end = new AbortController();
    const limit = this.#clock.delay(limitMs, end.signal).then(() => false);
    const done = courtesy.then(
      () => true,
      () => true, // the connection went first: what was under way is lost with it
    );
    const came = await Promise.race([done, limit]);
    end.abort();
    await limit.catch(() => {}); // aborted, as asked
    return came;
  }
}
