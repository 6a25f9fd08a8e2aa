import { type ConnectionOptions, Events, type NatsConnection, NatsError } from 'nats';
import { openConnection } from '../../bus/connect.ts';
import { BusError } from '../../bus/error.ts';
import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const PING_EVERY_MS = 10_000;
/** Between attempts; spread out, so that a fleet does not come back in one moment. */
const RETRY_MS = { min: 200, max: 2_000 };
/** Credentials do not mend themselves in a hurry. */
const RETRY_AUTH_MS = 30_000;

/** What happens to the connection. */
export interface ConnectionEvents {
  /** A first connection, or a new one after the last was given up: subscribe. */
  opened(connection: NatsConnection): void;
  /** Connected, for the first time or again. */
  up(): void;
  down(): void;
}

/** Keeps a connection to the bus until the signal aborts, for ever trying; never throws for a bus that is down. */
export async function keepConnection(
  options: ConnectionOptions,
  events: ConnectionEvents,
  clock: Pick<Clock, 'delay' | 'random'>,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const retryMs = (): number => RETRY_MS.min + (RETRY_MS.max - RETRY_MS.min) * clock.random();
  let reported = '';
  while (!signal.aborted) {
    let waitMs = retryMs();
    try {
      const connection = await openConnection({
        ...options,
        timeout: CONNECT_TIMEOUT_MS,
        pingInterval: PING_EVERY_MS,
        maxPingOut: 2,
        maxReconnectAttempts: -1,
        reconnectDelayHandler: retryMs,
      });
      reported = '';
      await serve(connection, events, log, signal);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== reported) log.warn({ servers: options.servers, reason }, 'bus not reached');
      reported = reason;
      if (isRefusal(error)) waitMs = RETRY_AUTH_MS * (0.8 + 0.4 * clock.random());
    }
    await clock.delay(waitMs, signal).catch(() => {}); // the loop's condition looks at the signal
  }
}

/** Follows one connection until it is closed, by us or because the server will not have it any more. */
async function serve(
  connection: NatsConnection,
  events: ConnectionEvents,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const close = (): void => {
    connection.close().catch((error: unknown) => log.debug({ error }, 'bus close failed'));
  };
  signal.addEventListener('abort', close, { once: true });
  if (signal.aborted) close();
  log.info({ server: connection.getServer() }, 'bus connected');
  events.opened(connection);
  events.up();
  const statuses = connection.status()[Symbol.asyncIterator]();
  const closed = connection.closed();
  for (;;) {
    // The client does not end its statuses when a connection is drained, so the close itself is waited for, too.
    const next = await Promise.race([statuses.next(), closed.then(() => undefined)]);
    if (next === undefined || next.done === true) break;
    const { type, data } = next.value;
    if (type === Events.Disconnect) {
      log.warn({ server: data }, 'bus lost');
      events.down();
    } else if (type === Events.Reconnect) {
      log.info({ server: data }, 'bus connected again');
      events.up();
    } else if (type === Events.Error) {
      log.warn({ reason: data }, 'bus error');
    }
  }
  signal.removeEventListener('abort', close);
  events.down();
  const reason = await closed;
  if (reason instanceof Error) throw reason;
}

/** At the door, or of a connection that stood until now. */
function isRefusal(error: unknown): boolean {
  return (error instanceof BusError && error.code === 'REFUSED') || (error instanceof NatsError && error.isAuthError());
}
