import { type ConnectionOptions, connect, type NatsConnection } from 'nats';
import { connectError } from './nats-error.ts';

/**
 * Connects once, to the first server that answers; what becomes of the connection later, `options` say.
 * Errors: BusError REFUSED, UNREACHABLE.
 */
export async function openConnection(
  options: ConnectionOptions & { readonly timeout: number },
): Promise<NatsConnection> {
  try {
    return await connect(options);
  } catch (error) {
    throw connectError(error, `connect to ${[options.servers ?? []].flat().join(', ')}`, options.timeout);
  }
}
