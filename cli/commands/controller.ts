import { once } from 'node:events';
import { encodeRecoverRequest, parseRecoverReply, type RecoverReply } from '../../protocol/histories.ts';
import { Bus } from '../client.ts';
import { accessOf } from '../line/access.ts';
import { command } from '../line/command.ts';
import { EXIT, type Exit, Failure, usage } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { stopSignal } from '../line/signals.ts';
import { someText } from '../show/format.ts';
import type { Terminal } from '../show/terminal.ts';

export const controller = command({
  synopsis: '[recover]',
  about: `Runs the controller: keeps redirects in its database, compiles them for each host, and serves hosts and commands
over the bus. SIGTERM ends it in good order.

With recover, a controller that runs takes every history for over that it or a host knows, after its database was put
back or lost: each host then fetches the whole set, and only when it has all of it removes what is not in it. Apply what
is wanted first. It can be repeated for hosts that are heard later.`,
  examples: [
    'shunt controller --nats nats://127.0.0.1:4222 --db /var/lib/shunt/controller.db',
    'shunt controller recover --nats nats://127.0.0.1:4222',
  ],
  options: [...BUS_OPTIONS, 'db', 'log-level'],
  operands: { placeholder: 'recover', min: 0, max: 1, values: ['recover'] },
  async run({ options, operands: [verb], terminal }) {
    if (verb === 'recover') return await recover(options, terminal);
    if (verb !== undefined) throw usage(`unexpected argument "${verb}"; see shunt controller --help`);
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

async function recover(options: Parameters<typeof Bus.open>[0], terminal: Terminal): Promise<Exit> {
  await using bus = await Bus.open(options);
  const { v: _, ...done } = await bus.api('recover', encodeRecoverRequest({ v: 1 }), parseRecoverReply);
  if (options.output === 'json') terminal.print(JSON.stringify(done));
  else terminal.print(recovered(done));
  return EXIT.done;
}

function recovered({ superseded, hosts, hostsTotal }: Omit<RecoverReply, 'v'>): string {
  const histories = superseded === 1 ? '1 history is' : `${superseded} histories are`;
  const over = `${histories} over; every host begins from the whole set`;
  return hostsTotal === 0 ? `${over}; none was held` : `${over}; held until now: ${someText(hosts, hostsTotal)}`;
}

/** A bus that does not answer has an exit status of its own. */
function rethrow(error: unknown): never {
  const unreachable =
    error instanceof Error && 'code' in error && (error.code === 'UNREACHABLE' || error.code === 'TLS');
  throw unreachable ? new Failure(EXIT.unreachable, 'NO_BUS', error.message, { cause: error }) : error;
}
