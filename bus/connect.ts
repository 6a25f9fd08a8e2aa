import { type ConnectionOptions, connect, type NatsConnection } from 'nats';
import { connectError } from './nats-error.ts';

/** Two pings without an answer, and the connection counts as lost: a frozen server is noticed within 30 s. */
const PING_EVERY_MS = 10_000;
const MAX_PINGS_OUT = 2;

/**
 * Connects once, to the first server that answers; what becomes of the connection later, `options` say.
 * Errors: BusError REFUSED, UNREACHABLE, NO_CREDS.
 */
export async function openConnection(
  options: ConnectionOptions & { readonly timeout: number },
): Promise<NatsConnection> {
  try {
    return await connect({ pingInterval: PING_EVERY_MS, maxPingOut: MAX_PINGS_OUT, ...options });
  } catch (error) {
    throw connectError(error, connecting([options.servers ?? []].flat()), options.timeout);
  }
}

/** What is tried, as errors say it. */
export function connecting(servers: readonly string[]): string {
  return `connect to ${servers.join(', ')}`;
}
