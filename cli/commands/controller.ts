import { once } from 'node:events';
import { encodeRecoverRequest, parseRecoverReply, type RecoverReply } from '../../protocol/recover.ts';
import { Bus, type BusOptions } from '../client.ts';
import { accessOf } from '../line/access.ts';
import { command } from '../line/command.ts';
import { EXIT, type Exit, Failure, usage } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { stopSignal } from '../line/signals.ts';
import { countText } from '../show/format.ts';
import type { Terminal } from '../show/terminal.ts';

export const controller = command({
  synopsis: '[recover]',
  about: `Runs the controller: keeps redirects in its database, compiles them for each host, and serves hosts and commands
over the bus. SIGTERM ends it in good order.

recover tells the controller that runs to begin its history anew, once a backup of its database was put back or hosts follow
another controller's: hosts that held what they have take their whole set within a minute, and what is in both stands on.
Nothing is lost by repeating it for hosts that are heard later.`,
  examples: [
    'shunt controller --nats nats://127.0.0.1:4222 --db /var/lib/shunt/controller.db',
    'shunt controller recover',
  ],
  options: [...BUS_OPTIONS, 'db', 'log-level'],
  operands: { placeholder: 'recover', min: 0, max: 1, values: ['recover'] },
  async run({ options, operands: [word], terminal }) {
    if (word === 'recover') return recover(options, terminal);
    if (word !== undefined) throw usage(`expected recover or nothing, not "${word}"`);
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

async function recover(options: BusOptions, terminal: Pick<Terminal, 'print'>): Promise<Exit> {
  await using bus = await Bus.open(options);
  const reply = await bus.api('recover', encodeRecoverRequest({ v: 1 }), parseRecoverReply);
  terminal.print(options.output === 'json' ? JSON.stringify(reply) : sentence(reply));
  return EXIT.done;
}

function sentence({ epoch, superseded, foreign, unheard }: RecoverReply): string {
  const others = foreign > 0 ? `, ${foreign} of them known to hosts only` : '';
  const begun = `history begins anew with epoch ${epoch}; it supersedes ${countText(superseded, 'epoch')}${others}`;
  const silent = `${countText(unheard, 'silent host')} will be served after the next status`;
  return unheard > 0 ? `${begun}\n${silent}` : begun;
}

/** A bus that does not answer has an exit status of its own. */
function rethrow(error: unknown): never {
  const unreachable =
    error instanceof Error && 'code' in error && (error.code === 'UNREACHABLE' || error.code === 'TLS');
  throw unreachable ? new Failure(EXIT.unreachable, 'NO_BUS', error.message, { cause: error }) : error;
}
