import { type ConnectionOptions, connect, type NatsConnection } from 'nats';
import { FirstLines } from './first-line.ts';
import { connectError } from './nats-error.ts';

/** Two pings without an answer, and the connection counts as lost: a frozen server is noticed within 30 s. */
const PING_EVERY_MS = 10_000;
const MAX_PINGS_OUT = 2;

/**
 * Connects once, to the first server that answers; what becomes of the connection later, `options` say. `timeout` is for all
 * servers together: each has its share. Servers that a server names beside these are gone to by nobody: whoever has one of a
 * cluster, or its address, could send every client to another bus.
 * Errors: BusError REFUSED, UNREACHABLE, NO_CREDS, TLS, NO_FILES.
 */
export async function openConnection(
  options: ConnectionOptions & { readonly timeout: number },
): Promise<NatsConnection> {
  const servers = [options.servers ?? []].flat();
  const tried = connecting(servers);
  using undo = new DisposableStack();
  const lines = undo.use(new FirstLines(tried));
  try {
    const timeout = Math.ceil(options.timeout / Math.max(1, servers.length));
    const defaults = { pingInterval: PING_EVERY_MS, maxPingOut: MAX_PINGS_OUT, ignoreClusterUpdates: true };
    const connection = await lines.during(() => connect({ ...defaults, ...options, timeout, reconnect: false }));
    if (options.reconnect !== false) letReconnect(connection);
    undo.move();
    connection.closed().finally(() => lines[Symbol.dispose]());
    return connection;
  } catch (error) {
    const { tls, timeout: timeoutMs, authenticator } = options;
    const withCertificate = 'cert' in (tls ?? {});
    const named = withCertificate || authenticator !== undefined;
    throw connectError(error, { tried, timeoutMs, withCertificate, named });
  }
}

/** What is tried, as errors say it. */
export function connecting(servers: readonly string[]): string {
  return `connect to ${servers.join(', ')}`;
}

/**
 * From now on the client looks for a server by itself when it has lost the one. It is not to do so before it has one: it would
 * keep to itself why a server that hears our name, or sees our certificate, closes the connection, and only be late.
 */
function letReconnect(connection: NatsConnection): void {
  (connection as unknown as { readonly options: { reconnect: boolean } }).options.reconnect = true;
}
