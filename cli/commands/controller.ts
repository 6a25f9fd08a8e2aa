import { once } from 'node:events';
import { accessOf } from '../line/access.ts';
import { command } from '../line/command.ts';
import { EXIT, Failure } from '../line/failure.ts';
import { CONNECTION_OPTIONS } from '../line/options.ts';
import { stopSignal } from '../line/signals.ts';

export const controller = command({
  synopsis: '[recover]',
  about: `Runs the controller: keeps redirects in its database, compiles them for each host, and serves hosts and commands
over the bus. SIGTERM ends it in good order.`,
  examples: [
    'shunt controller --nats nats://127.0.0.1:4222 --db /var/lib/shunt/controller.db',
    'shunt controller recover',
  ],
  options: [...CONNECTION_OPTIONS, 'db', 'log-level'],
  async run({ options }) {
    const [{ makeControllerConfig }, { startController }, { makeLog }] = await Promise.all([
      import('../../controller/config.ts'),
      import('../../controller/main.ts'),
      import('../../daemon/log.ts'),
    ]);
    const config = makeControllerConfig({
      nats: options.nats,
      db: options.db,
      rootSubject: options['root-subject'],
      ...accessOf(options),
    });
    const stop = stopSignal();
    const fatal = Promise.withResolvers<never>();
    fatal.promise.catch(() => {}); // the race below reports it, also when it comes before
    await using _running = await startController(config, makeLog(options['log-level']), fatal.reject).catch(rethrow);
    await Promise.race([stop.aborted || once(stop, 'abort'), fatal.promise]);
    return EXIT.done;
  },
});

/** A bus that does not answer has an exit status of its own. */
function rethrow(error: unknown): never {
  const unreachable =
    error instanceof Error && 'code' in error && (error.code === 'UNREACHABLE' || error.code === 'TLS');
  throw unreachable ? new Failure(EXIT.unreachable, 'NO_BUS', error.message, { cause: error }) : error;
}
