import type { Msg, NatsConnection } from 'nats';
import { openConnection } from '../../bus/connect.ts';
import { BusError } from '../../bus/error.ts';
import { connectOnce, type Keeping, keepConnection } from '../../bus/keep-connection.ts';
import { requestError } from '../../bus/nats-error.ts';
import type { BusServers } from '../../bus/servers.ts';
import { Subscriptions } from '../../bus/subscriptions.ts';
import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import { unlessAborted } from '../../daemon/unless-aborted.ts';
import { ORIGIN_HEADER } from '../../protocol/origin.ts';
import { WORKING_HEADER } from '../../protocol/working.ts';
import type { Bus, Incoming } from '../ports.ts';

/** A server that hangs must not keep us from ending. */
const LEAVE_MS = 3000;
/** A host that has not answered by then may answer the next time. */
const ANSWER_WITHIN_MS = 5000;

/** Core NATS. */
export class NatsBus implements Bus, AsyncDisposable {
  readonly #clock: Pick<Clock, 'delay'>;
  readonly #log: Log;
  readonly #subscriptions: Subscriptions;
  readonly #closing = new AbortController();
  readonly #kept: Promise<void>;
  readonly #atHand = new Set<Promise<void>>();
  readonly #onConnect: (() => void)[] = [];
  #connection: NatsConnection;
  #maxPayloadBytes = 0;
  #connected = true;
  /** False once the server let us wait in vain: it is not waited for a second time. */
  #answers = true;

  private constructor(keeping: Keeping, first: NatsConnection) {
    const { clock, log } = keeping;
    this.#clock = clock;
    this.#log = log;
    this.#connection = first;
    this.#subscriptions = new Subscriptions(clock, log, this.#closing.signal);
    const events = {
      opened: (connection: NatsConnection) => {
        this.#connection = connection;
        this.#subscriptions.moveTo(connection);
      },
      up: () => this.#goUp(),
      down: () => {
        this.#connected = false;
      },
      deaf: (subject: string) => this.#subscriptions.deaf(subject),
    };
    this.#kept = keepConnection(keeping, events, this.#closing.signal, first);
  }

  /** Connects once; from then on there is a connection whenever there can be one. Errors: BusError. */
  static async connect(
    servers: BusServers,
    clock: Pick<Clock, 'delay' | 'monotonicMs' | 'random'>,
    log: Log,
  ): Promise<NatsBus> {
    const keeping: Keeping = { servers, who: { name: 'shunt-controller' }, clock, log, open: openConnection };
    return new NatsBus(keeping, await connectOnce(keeping));
  }

  get connected(): boolean {
    return this.#connected && !this.#connection.isClosed();
  }

  /** Of the server that we are connected to, or were last. */
  get maxPayloadBytes(): number {
    return this.#maxPayloadBytes;
  }

  publish(subject: string, data: Uint8Array): void {
    if (data.length > this.maxPayloadBytes) {
      throw new BusError(
        'TOO_LARGE',
        `publish ${subject}`,
        `${data.length} bytes, and the server takes ${this.maxPayloadBytes}`,
      );
    }
    if (this.connected) this.#connection.publish(subject, data);
  }

  async flush(): Promise<void> {
    if (!this.connected) throw new BusError('DOWN', 'flush what was published', 'the bus is not connected');
    await this.#connection.flush();
  }

  async request(subject: string, data: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    if (!this.connected) throw new BusError('DOWN', `request ${subject}`, 'the bus is not connected');
    try {
      const answer = this.#connection.request(subject, data, { timeout: ANSWER_WITHIN_MS });
      return (await unlessAborted(answer, signal)).data;
    } catch (error) {
      throw requestError(error, `request ${subject}`);
    }
  }

  subscribe(subject: string, receive: (message: Incoming) => Promise<void>, queue?: string): void {
    this.#subscriptions.add(subject, (message) => this.#keep(receive(incoming(message)), subject), queue);
  }

  onConnect(callback: () => void): void {
    this.#onConnect.push(callback);
  }

  /** Takes no more messages, and waits for those at hand. */
  async drain(): Promise<void> {
    if (this.connected) this.#answers = await this.#within(LEAVE_MS, this.#subscriptions.drain());
    await Promise.all(this.#atHand);
  }

  /** Lets what was published go out, and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.connected && this.#answers) await this.#within(LEAVE_MS, this.#connection.flush());
    this.#closing.abort();
    await this.#within(LEAVE_MS, this.#kept);
  }

  #goUp(): void {
    this.#connected = true;
    this.#maxPayloadBytes = this.#connection.info?.max_payload ?? this.#maxPayloadBytes;
    for (const callback of this.#onConnect) callback();
  }

  #keep(work: Promise<void>, subject: string): void {
    const kept = work
      .catch((error: unknown) => this.#log.error({ error, subject }, 'bus: a message could not be dealt with'))
      .finally(() => this.#atHand.delete(kept));
    this.#atHand.add(kept);
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

function incoming({ subject, reply = '', headers, data }: Msg): Incoming {
  const [workingTo, origin] = [headers?.get(WORKING_HEADER) ?? '', headers?.get(ORIGIN_HEADER) ?? ''];
  return { subject, replyTo: reply, workingTo, origin, data };
}
