import { type ConnectionOptions, Events, type NatsConnection, type Status } from 'nats';
import type { Clock } from '../daemon/clock.ts';
import type { Log } from '../daemon/log.ts';
import { LEAST_PAYLOAD_BYTES } from '../protocol/json.ts';
import { isNamed } from './access.ts';
import { Backoff } from './backoff.ts';
import { connecting, type openConnection } from './connect.ts';
import { BusError } from './error.ts';
import { Inquiry } from './inquiry.ts';
import { type Attempt, connectError, refusalOf } from './nats-error.ts';
import { toServerOptions } from './options.ts';
import type { BusServers } from './servers.ts';

/** For each server: a busy machine may take so long. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Between attempts at a server that is away; spread out, so that a fleet does not come back in one moment. */
const AWAY_MS = { min: 200, max: 2_000 };

/** Who connects where, and by whose clock; `open` makes a connection. */
export interface Keeping {
  readonly servers: BusServers;
  readonly who: Pick<ConnectionOptions, 'name' | 'inboxPrefix' | 'noEcho' | 'noAsyncTraces'>;
  readonly clock: Pick<Clock, 'delay' | 'monotonicMs' | 'random'>;
  readonly log: Log;
  readonly open: typeof openConnection;
}

/** What happens to the connection. */
export interface ConnectionEvents {
  /** A first connection, or another one after the last was given up: subscribe. */
  opened(connection: NatsConnection): void;
  /** Connected, for the first time or again. */
  up(): void;
  /** There is no connection, or none yet; called again when it is for another reason. */
  down(why: BusError): void;
  /** The server does not let us listen there, or not any more. */
  deaf(subject: string): void;
}

/** Connects once. Errors: BusError REFUSED, UNREACHABLE, NO_CREDS, TLS, NO_FILES. */
export async function connectOnce({ servers, who, clock, open }: Keeping, reconnect = true): Promise<NatsConnection> {
  return open({
    ...toServerOptions(servers),
    ...who,
    reconnect,
    timeout: CONNECT_TIMEOUT_MS * servers.urls.length,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => awayMs(clock),
  });
}

/**
 * Keeps a connection to the bus until the signal aborts, beginning with `first` if there is one.
 *
 * Flow: while a server is away the client itself looks for it, without end. It gives up when it is refused twice, or finds
 * no credentials, and we give it up when there is something about TLS that it cannot mend: then another connection is made,
 * and another, ever later, each with what the files of credentials and certificates hold then.
 * Guarantees: never throws for a bus that is down; says once, and not at each attempt, that it is down and why.
 */
export async function keepConnection(
  keeping: Keeping,
  events: ConnectionEvents,
  signal: AbortSignal,
  first?: NatsConnection,
): Promise<void> {
  const keeper = new ConnectionKeeper(keeping, events);
  for (let given = first; !signal.aborted; given = undefined) {
    const waitMs = await keeper.keepOne(given, signal);
    await keeping.clock.delay(waitMs, signal).catch(() => {}); // the loop's condition looks at the signal
  }
}

/** One connection after the other, and why there is none. */
class ConnectionKeeper {
  readonly #keeping: Keeping;
  readonly #events: ConnectionEvents;
  readonly #backoff: Backoff;
  readonly #attempt: Attempt;
  #why: BusError | undefined;

  constructor(keeping: Keeping, events: ConnectionEvents) {
    this.#keeping = keeping;
    this.#events = events;
    this.#backoff = new Backoff(keeping.clock);
    const { urls, tlsCert } = keeping.servers;
    const withCertificate = tlsCert !== undefined;
    const named = isNamed(keeping.servers);
    this.#attempt = { tried: connecting(urls), timeoutMs: CONNECT_TIMEOUT_MS * urls.length, withCertificate, named };
  }

  /** Makes a connection and follows it to its end; answers how long to wait before the next. */
  async keepOne(given: NatsConnection | undefined, signal: AbortSignal): Promise<number> {
    const end = await this.#end(given, signal);
    const why = end === undefined ? this.#lost() : connectError(end, this.#attempt);
    if (!signal.aborted) this.#down(why);
    return why.code === 'UNREACHABLE' ? awayMs(this.#keeping.clock) : this.#backoff.failed();
  }

  /** What became of a connection, or of the attempt to make one; undefined where nobody says. */
  async #end(given: NatsConnection | undefined, signal: AbortSignal): Promise<unknown> {
    try {
      return await this.#follow(given ?? (await connectOnce(this.#keeping)), signal);
    } catch (error) {
      return error;
    }
  }

  /** Follows a connection until it is closed, by us or because the client gives it up; answers why it did. */
  async #follow(connection: NatsConnection, signal: AbortSignal): Promise<unknown> {
    const { clock, log } = this.#keeping;
    const close = (): void => {
      connection.close().catch((error: unknown) => log.debug({ error }, 'bus: closing failed'));
    };
    const openedAtMs = clock.monotonicMs();
    const inquiry = new Inquiry(clock, () => connectOnce(this.#keeping, false));
    signal.addEventListener('abort', close, { once: true });
    try {
      if (signal.aborted) return undefined;
      this.#events.opened(connection);
      this.#up(connection);
      return await this.#watch(connection, inquiry);
    } finally {
      inquiry.end();
      signal.removeEventListener('abort', close);
      close();
      this.#backoff.stood(clock.monotonicMs() - openedAtMs);
    }
  }

  async #watch(connection: NatsConnection, inquiry: Inquiry): Promise<unknown> {
    const statuses = connection.status()[Symbol.asyncIterator]();
    const closed = connection.closed().then((end) => ({ end }));
    const given = inquiry.found.then((end) => ({ end }));
    for (;;) {
      // The client does not end its statuses when a connection is drained, so the close itself is waited for, too.
      const next = await Promise.race([statuses.next(), closed, given]);
      if ('end' in next) return next.end;
      if (next.done === true) return (await closed).end;
      this.#note(next.value, connection, inquiry);
    }
  }

  #note({ type, data, permissionContext: may }: Status, connection: NatsConnection, inquiry: Inquiry): void {
    if (type === Events.Reconnect) {
      inquiry.end();
      this.#up(connection);
    } else if (type === Events.Disconnect) {
      inquiry.begin();
      this.#down(this.#why ?? this.#lost());
    } else if (type === Events.Error && may?.operation === 'subscription') this.#events.deaf(may.subject);
    else if (type === Events.Error) {
      const refusal = refusalOf(data, this.#attempt);
      if (refusal !== undefined) this.#down(refusal);
      else this.#keeping.log.error({ reason: data, ...may }, 'bus: the server refused something');
    }
  }

  #lost(): BusError {
    return new BusError('DOWN', this.#attempt.tried, 'the connection was lost');
  }

  #up(connection: NatsConnection): void {
    this.#why = undefined;
    const { log } = this.#keeping;
    log.info({ server: connection.getServer() }, 'bus: connected');
    const maxPayloadBytes = connection.info?.max_payload ?? LEAST_PAYLOAD_BYTES;
    if (maxPayloadBytes < LEAST_PAYLOAD_BYTES)
      log.error({ maxPayloadBytes, leastBytes: LEAST_PAYLOAD_BYTES }, 'bus: max_payload of the server is too small');
    this.#events.up();
  }

  #down(why: BusError): void {
    const before = this.#why;
    this.#why = why;
    if (before?.code === why.code && before.reason === why.reason) return;
    const { log, servers } = this.#keeping;
    const facts = { servers: servers.urls, code: why.code, reason: why.reason };
    if (isForPeople(why)) log.error(facts, 'bus: not connected, and tried again without end');
    else log.warn(facts, 'bus: not connected');
    this.#events.down(why);
  }
}

/** Who is let in does not mend itself. */
function isForPeople({ code }: BusError): boolean {
  return code === 'REFUSED' || code === 'NO_CREDS' || code === 'TLS' || code === 'NO_FILES';
}

function awayMs(clock: Pick<Clock, 'random'>): number {
  return AWAY_MS.min + (AWAY_MS.max - AWAY_MS.min) * clock.random();
}
