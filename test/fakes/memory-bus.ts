import type * as agent from '../../agent/ports.ts';
import { BusError } from '../../bus/error.ts';
import type * as controller from '../../controller/ports.ts';
import type { Clock } from '../../daemon/clock.ts';
import type { Subjects } from '../../protocol/subjects.ts';

type Receive = (message: controller.Incoming) => void;

interface Subscription {
  readonly subject: string;
  /** That in parts, where some of them stand for any. */
  readonly tokens: readonly string[] | undefined;
  readonly queue: string | undefined;
  readonly receive: Receive;
}

/** A message as it comes out of the bus. */
export interface Arrival {
  readonly afterMs: number;
  readonly data: Uint8Array;
}

const LATENCY_MS = 1;
const REPLY_WITHIN_MS = 5_000;
/** Why nobody waits for a reply any more. An error of its own would be made anew each time. */
const OVER = 'answered, or given up';

/** A nats-server in memory, as far as Shunt uses one: core subjects, queue groups, requests. Messages take a millisecond. */
export class MemoryBus {
  readonly subjects: Subjects;
  /** What becomes of a message: after how many ms what arrives, each time that something does. */
  carry: (message: controller.Incoming) => readonly Arrival[] = ({ data }) => [{ afterMs: LATENCY_MS, data }];
  /** Called for each message that is published. */
  onMessage: (subject: string, data: Uint8Array) => void = () => {};
  /** Called for each message that comes to somebody. */
  onArrival: (message: controller.Incoming) => void = () => {};
  /** Which of so many of a queue group gets a message. */
  choose: (members: number) => number = () => 0;
  maxPayloadBytes = 1 << 20;
  readonly #clock: Clock;
  readonly #subscriptions = new Set<Subscription>();
  #inboxes = 0;

  constructor(clock: Clock, subjects: Subjects) {
    this.#clock = clock;
    this.subjects = subjects;
  }

  publish(subject: string, data: Uint8Array, replyTo = ''): void {
    this.onMessage(subject, data);
    for (const arrival of this.carry({ subject, replyTo, data })) {
      const message = { subject, replyTo, data: arrival.data };
      void this.#clock.delay(arrival.afterMs).then(() => this.#deliver(message));
    }
  }

  /** Answers what ends the subscription. */
  subscribe(subject: string, receive: Receive, queue?: string): () => void {
    const tokens = subject.includes('*') ? subject.split('.') : undefined;
    const subscription = { subject, tokens, queue, receive };
    this.#subscriptions.add(subscription);
    return () => this.#subscriptions.delete(subscription);
  }

  /** Errors: BusError NO_RESPONDERS, TIMEOUT; the signal's reason. */
  async request(subject: string, data: Uint8Array, inbox: string, signal?: AbortSignal): Promise<Uint8Array> {
    if (this.#fitting(subject).length === 0)
      throw new BusError('NO_RESPONDERS', `request ${subject}`, 'nobody listens');
    const reply = Promise.withResolvers<Uint8Array>();
    const over = new AbortController();
    const abort = (): void => over.abort(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    this.#inboxes += 1;
    const replyTo = `${inbox}.${this.#inboxes}`;
    const unsubscribe = this.subscribe(replyTo, (message) => reply.resolve(message.data));
    const late = this.#clock.delay(REPLY_WITHIN_MS, over.signal).then(() => {
      throw new BusError('TIMEOUT', `request ${subject}`, 'no answer');
    });
    this.publish(subject, data, replyTo);
    try {
      return await Promise.race([reply.promise, late]);
    } finally {
      unsubscribe();
      signal?.removeEventListener('abort', abort);
      over.abort(OVER);
    }
  }

  /** Every subscription that fits, and of each queue group one. */
  #receivers(subject: string): readonly Subscription[] {
    const fitting = this.#fitting(subject);
    if (fitting.every(({ queue }) => queue === undefined)) return fitting;
    const groups = Map.groupBy(fitting, ({ queue }) => queue);
    return [...groups].flatMap(([queue, members]) => (queue === undefined ? members : this.#one(members)));
  }

  #fitting(subject: string): readonly Subscription[] {
    const given = subject.split('.');
    const fitting: Subscription[] = [];
    for (const one of this.#subscriptions)
      if (one.tokens === undefined ? one.subject === subject : fits(one.tokens, given)) fitting.push(one);
    return fitting;
  }

  #one(members: readonly Subscription[]): readonly Subscription[] {
    const at = members.length > 1 ? this.choose(members.length) : 0;
    return members.slice(at, at + 1);
  }

  #deliver(message: controller.Incoming): void {
    const receivers = this.#receivers(message.subject);
    if (receivers.length > 0) this.onArrival(message);
    for (const { receive } of receivers) receive(message);
  }
}

/** Whether a subscription's subject takes a message's. */
function fits(wanted: readonly string[], given: readonly string[]): boolean {
  return wanted.length === given.length && wanted.every((token, at) => token === '*' || token === given[at]);
}

/** The bus as an agent sees it. */
export class AgentBus implements agent.Bus {
  readonly maxBytes = 512 * 1024;
  readonly #server: MemoryBus;
  readonly #host: string;
  readonly #ended: (() => void)[] = [];
  readonly #live: ((bytes: Uint8Array) => void)[] = [];
  #ask: ((verb: string, bytes: Uint8Array) => Promise<Uint8Array>) | undefined;

  constructor(server: MemoryBus, host: string) {
    this.#server = server;
    this.#host = host;
    const { subjects } = server;
    this.#ended.push(
      server.subscribe(subjects.live(host), ({ data }) => {
        for (const handle of this.#live) handle(data);
      }),
      server.subscribe(subjects.askAll(host), (message) => void this.#answer(message)),
    );
  }

  onLive(handle: (bytes: Uint8Array) => void): void {
    this.#live.push(handle);
  }

  onReconnect(handle: () => void): void {
    handle();
  }

  onAsk(handle: (verb: string, bytes: Uint8Array) => Promise<Uint8Array>): void {
    this.#ask = handle;
  }

  sync(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { subjects } = this.#server;
    return this.#server.request(subjects.sync(this.#host), request, subjects.inbox(this.#host), signal);
  }

  publish(telling: agent.Telling, bytes: Uint8Array): void {
    const { subjects } = this.#server;
    const [kind, of] = telling.split('.');
    this.#server.publish(kind === 'status' ? subjects.status(this.#host) : subjects.event(this.#host, of ?? ''), bytes);
  }

  connected(): boolean {
    return true;
  }

  async close(): Promise<void> {
    for (const end of this.#ended) end();
  }

  async #answer({ subject, replyTo, data }: controller.Incoming): Promise<void> {
    const bytes = await this.#ask?.(this.#server.subjects.verbOf(subject) ?? '', data);
    if (bytes !== undefined) this.#server.publish(replyTo, bytes);
  }
}

/** The bus as a controller sees it. */
export class ControllerBus implements controller.Bus {
  readonly connected = true;
  readonly #server: MemoryBus;
  readonly #ended: (() => void)[] = [];

  constructor(server: MemoryBus) {
    this.#server = server;
  }

  get maxPayloadBytes(): number {
    return this.#server.maxPayloadBytes;
  }

  publish(subject: string, data: Uint8Array): void {
    this.#server.publish(subject, data);
  }

  async flush(): Promise<void> {}

  request(subject: string, data: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    return this.#server.request(subject, data, '_INBOX.controller', signal);
  }

  subscribe(subject: string, receive: (message: controller.Incoming) => Promise<void>, queue?: string): void {
    this.#ended.push(this.#server.subscribe(subject, (message) => void receive(message), queue));
  }

  onConnect(_callback: () => void): void {}

  close(): void {
    for (const end of this.#ended) end();
  }
}
