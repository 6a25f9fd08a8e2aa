import type { NatsConnection } from 'nats';
import { type BusAccess, otherAccess } from '../bus/access.ts';
import { openConnection } from '../bus/connect.ts';
import { BusError } from '../bus/error.ts';
import { toServerOptions } from '../bus/options.ts';
import { LEAST_PAYLOAD_BYTES } from '../protocol/json.ts';
import { EXIT, Failure, usage } from './line/failure.ts';
import type { CONNECTION_OPTIONS, Options } from './line/options.ts';
import { within } from './within.ts';

/** For a connection there is as much time as for an answer, and no less than this. */
const CONNECT_LEAST_MS = 1000;

/** Of a context, the name is for messages; what it says is among the others. */
export type ConnectionOptions = Options<(typeof CONNECTION_OPTIONS)[number]> & {
  readonly context?: string | undefined;
};

/** Connects to the first server that answers, once. Errors: Failure NO_BUS, NOT_PERMITTED, TLS, TOO_LARGE, USAGE. */
export async function connectTo(options: ConnectionOptions, access: BusAccess): Promise<NatsConnection> {
  const { nats } = options;
  const timeout = Math.max(options.timeout, CONNECT_LEAST_MS);
  try {
    const servers = toServerOptions({ urls: nats, ...access });
    const opening = openConnection({ ...servers, name: 'shunt', timeout, reconnect: false });
    const connection = await within(timeout, opening, 'connect').catch((error: unknown) => {
      opening.then((late) => late.close()).catch(() => {}); // said already: nobody waits for it any more
      throw error;
    });
    return await requireRoom(connection);
  } catch (error) {
    throw connectFailure(error, nats.join(', '), access, options.context);
  }
}

/** Errors: Failure TOO_LARGE on a bus that carries next to nothing; the connection is closed then. */
async function requireRoom(connection: NatsConnection): Promise<NatsConnection> {
  const takes = connection.info?.max_payload ?? LEAST_PAYLOAD_BYTES;
  if (takes >= LEAST_PAYLOAD_BYTES) return connection;
  await connection.close();
  const least = `and ${LEAST_PAYLOAD_BYTES} is the least that will do`;
  const message = `nats://${connection.getServer()} takes messages of ${takes} bytes, ${least}; set a higher max_payload on the server`;
  throw new Failure(EXIT.refused, 'TOO_LARGE', message);
}

function connectFailure(error: unknown, urls: string, access: BusAccess, context: string | undefined): unknown {
  const servers = context === undefined ? urls : `${urls} (context ${context})`;
  if (!(error instanceof BusError)) return error;
  const cause = { cause: error };
  switch (error.code) {
    case 'NO_CREDS':
      return usage(`cannot ${error.tried}: ${error.reason}`);
    case 'REFUSED':
      return new Failure(
        EXIT.refused,
        'NOT_PERMITTED',
        `${servers} does not let this user in; ${otherAccess(access)}`,
        cause,
      );
    case 'NO_FILES':
      return new Failure(EXIT.refused, 'FAILED', `cannot reach NATS at ${servers}: ${error.reason}`, cause);
    case 'TLS':
      return new Failure(EXIT.unreachable, 'TLS', `cannot reach NATS at ${servers}: ${error.reason}`, cause);
    default: {
      const other = context === undefined ? '--nats' : '--context; shunt context list has all';
      const advice = `start nats-server there, or name another with ${other}`;
      return new Failure(
        EXIT.unreachable,
        'NO_BUS',
        `cannot reach NATS at ${servers}: ${error.reason}; ${advice}`,
        cause,
      );
    }
  }
}
