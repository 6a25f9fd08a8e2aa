import { parseAgentConfig } from '../../agent/config.ts';
import { accessOf } from '../line/access.ts';
import { command } from '../line/command.ts';
import { EXIT, usage } from '../line/failure.ts';
import { ACCESS_OPTIONS } from '../line/options.ts';
import { orElse } from '../line/refusal.ts';
import { stopSignal } from '../line/signals.ts';

export const agent = command({
  synopsis: '',
  about: `Runs the agent of this host: keeps the maps that shunt attach pinned equal to what the controller asks of it, with or
without the bus. It needs no privilege at all: run it as the owner given to shunt attach. SIGTERM ends it in good
order; packets go on.`,
  examples: [
    'setpriv --reuid=shunt --regid=shunt --clear-groups shunt agent --nats nats://bus.example:4222 --label role=edge',
  ],
  options: [
    'host',
    'nats',
    ...ACCESS_OPTIONS,
    'root-subject',
    'state',
    'pin-root',
    'interface',
    'label',
    'guard',
    'log-level',
  ],
  async run({ options }) {
    const config = orElse(
      () =>
        parseAgentConfig({
          host: options.host,
          nats: options.nats,
          state: options.state,
          pinRoot: options['pin-root'],
          labels: options.label,
          interfaces: options.interface,
          rootSubject: options['root-subject'],
          guard: options.guard,
          logLevel: options['log-level'],
          ...accessOf(options),
        }),
      ({ message }) => usage(`--${message}`),
    );
    const { runAgent } = await import('../../agent/main.ts');
    await runAgent(config, stopSignal());
    return EXIT.done;
  },
});
