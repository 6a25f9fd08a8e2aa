import type { Msg, NatsConnection } from 'nats';
import { openConnection } from '../../bus/connect.ts';
import { BusError } from '../../bus/error.ts';
import { keepConnection } from '../../bus/keep-connection.ts';
import { requestError } from '../../bus/nats-error.ts';
import { toServerOptions } from '../../bus/options.ts';
import type { BusServers } from '../../bus/servers.ts';
import { Subscriptions } from '../../bus/subscriptions.ts';
import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import { unlessAborted } from '../../daemon/unless-aborted.ts';
import { encodeAskError } from '../../protocol/ask.ts';
import type { Code } from '../../protocol/codes.ts';
import { MAX_MESSAGE_BYTES } from '../../protocol/json.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { Bus, BusNote, Telling } from '../ports.ts';

const SYNC_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 2_000;
/** Questions that are answered at the same time; the next one is told to come again. */
const MAX_ASKS = 32;

export interface NatsBusOptions {
  readonly host: string;
  readonly subjects: Subjects;
  readonly servers: BusServers;
  readonly clock: Clock;
  readonly log: Log;
  readonly note: BusNote;
}

type AskHandle = (verb: string, bytes: Uint8Array) => Promise<Uint8Array>;

/** The bus over core NATS subjects. Messages that cannot be sent now are dropped: status repeats, the cursor remembers. */
export class NatsBus implements Bus {
  readonly #options: NatsBusOptions;
  readonly #live: ((bytes: Uint8Array) => void)[] = [];
  readonly #reconnect: (() => void)[] = [];
  readonly #closing = new AbortController();
  readonly #subscriptions: Subscriptions;
  readonly #kept: Promise<void>;
  #ask: AskHandle | undefined;
  #asks = 0;
  #connection: NatsConnection | undefined;
  /** Aborted when the connection is lost; undefined while there is none. */
  #session: AbortController | undefined;

  /** Connects in the background, for ever. Errors: BusError NO_CREDS. */
  constructor(options: NatsBusOptions) {
    this.#options = options;
    const { host, subjects, servers, clock, log } = options;
    toServerOptions(servers);
    this.#subscriptions = new Subscriptions(clock, log, this.#closing.signal);
    this.#subscriptions.add(subjects.live(host), (message) => {
      for (const handle of this.#live) handle(message.data);
    });
    this.#subscriptions.add(subjects.askAll(host), (message) => this.#answer(message));
    this.#note(undefined);
    const who = { name: `shunt-agent ${host}`, inboxPrefix: subjects.inbox(host), noEcho: true, noAsyncTraces: true };
    this.#kept = keepConnection(
      { servers, who, clock, log, open: openConnection },
      {
        opened: (connection) => {
          this.#connection = connection;
          this.#subscriptions.moveTo(connection);
        },
        up: () => this.#goUp(),
        down: (why) => this.#goDown(why),
        deaf: (subject) => this.#subscriptions.deaf(subject),
      },
      this.#closing.signal,
    );
  }

  onLive(handle: (bytes: Uint8Array) => void): void {
    this.#live.push(handle);
  }

  onReconnect(handle: () => void): void {
    this.#reconnect.push(handle);
  }

  onAsk(handle: AskHandle): void {
    this.#ask = handle;
  }

  connected(): boolean {
    return this.#session?.signal.aborted === false && this.#connection?.isClosed() === false;
  }

  /** Errors: BusError, the signal's reason. */
  async sync(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const subject = this.#options.subjects.sync(this.#options.host);
    const connection = this.#connection;
    const session = this.#session?.signal;
    if (connection === undefined || session === undefined || session.aborted) {
      throw new BusError('DOWN', `request ${subject}`, 'the bus is not connected');
    }
    const answer = connection.request(subject, request, { timeout: SYNC_TIMEOUT_MS });
    try {
      return (await unlessAborted(answer, AbortSignal.any([signal, session]))).data;
    } catch (error) {
      signal.throwIfAborted();
      if (session.aborted)
        throw new BusError('DOWN', `request ${subject}`, 'the connection was lost', { cause: error });
      throw requestError(error, `request ${subject}`);
    }
  }

  publish(telling: Telling, bytes: Uint8Array): void {
    if (!this.connected()) return;
    const { subjects, host, log } = this.#options;
    const kind = telling.split('.')[1];
    const subject = kind === undefined ? subjects.status(host) : subjects.event(host, kind);
    if (bytes.length > this.maxBytes)
      log.error({ subject, sizeBytes: bytes.length }, 'message larger than the bus takes');
    else this.#connection?.publish(subject, bytes);
  }

  /** The server closes the connection of a client that exceeds its max_payload. */
  get maxBytes(): number {
    return Math.min(MAX_MESSAGE_BYTES, this.#connection?.info?.max_payload ?? MAX_MESSAGE_BYTES);
  }

  /** Sends what is on its way and disconnects; a server that does not answer is not waited for. */
  async close(): Promise<void> {
    const { clock, log } = this.#options;
    const left = new AbortController();
    const late = clock.delay(CLOSE_TIMEOUT_MS, left.signal).then(() => Promise.reject(new Error('no answer')));
    try {
      await Promise.race([this.#leave(), late]);
    } catch (error) {
      log.debug({ error }, 'bus left without a word');
    } finally {
      left.abort();
      this.#closing.abort();
    }
  }

  async #leave(): Promise<void> {
    if (this.connected()) {
      await this.#subscriptions.drain();
      await this.#connection?.flush();
    }
    this.#closing.abort();
    await this.#kept;
  }

  #goUp(): void {
    this.#session = new AbortController();
    this.#note(undefined);
    for (const handle of this.#reconnect) handle();
  }

  #goDown(why: BusError): void {
    this.#session?.abort();
    this.#note({ code: why.code, reason: why.message, since: this.#options.clock.nowMs() });
  }

  #note(trouble: Parameters<BusNote>[0]): void {
    try {
      this.#options.note(trouble);
    } catch (error) {
      this.#options.log.debug({ error }, 'bus: no note of its trouble');
    }
  }

  /** Answers into inboxes only: another reply subject could be somebody's live one. */
  #answer(message: Msg): void {
    if (!message.reply?.startsWith('_INBOX.')) return;
    if (this.#ask === undefined || this.#asks >= MAX_ASKS) {
      this.#respond(message, this.#toError('BUSY', 'not ready for questions, or too many at once'));
      return;
    }
    const verb = this.#options.subjects.verbOf(message.subject) ?? '';
    this.#asks += 1;
    this.#ask(verb, message.data)
      .catch((error: unknown) => {
        this.#options.log.error({ error, verb }, 'question failed');
        return this.#toError('INTERNAL', 'the answer could not be made; the log of the agent has the details');
      })
      .then((bytes) => this.#respond(message, bytes))
      .finally(() => {
        this.#asks -= 1;
      });
  }

  /** By the connection that there is now: the question may have come by another one. */
  #respond({ reply = '' }: Msg, bytes: Uint8Array): void {
    const fits = bytes.length <= this.maxBytes;
    if (!this.connected()) return;
    this.#connection?.publish(
      reply,
      fits ? bytes : this.#toError('TOO_LARGE', `an answer of ${bytes.length} bytes; ask for fewer at once`),
    );
  }

  #toError(code: Code, message: string): Uint8Array {
    return encodeAskError({ v: 1, host: this.#options.host, error: { code, message } });
  }
}
