import { encodeRecoverRequest, parseRecoverReply, type RecoverReply } from '../../protocol/recover.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { countText } from '../show/format.ts';

export const controllerRecover = command({
  synopsis: '',
  about: `Tells the controller that runs to begin its history anew, once a backup of its database was put back or hosts follow
another controller's: hosts that held what they have take their whole set within a minute, and what is in both stands on.
Nothing is lost by repeating it for hosts that are heard later.`,
  examples: ['shunt controller recover'],
  options: BUS_OPTIONS,
  async run({ options, terminal }) {
    await using bus = await Bus.open(options);
    const reply = await bus.api('recover', encodeRecoverRequest({ v: 1 }), parseRecoverReply);
    terminal.print(options.output === 'json' ? JSON.stringify(reply) : sentence(reply));
    return EXIT.done;
  },
});

function sentence({ epoch, superseded, foreign, unheard }: RecoverReply): string {
  const others = foreign > 0 ? `, ${foreign} of them known to hosts only` : '';
  const begun = `history begins anew with epoch ${epoch}; it supersedes ${countText(superseded, 'epoch')}${others}`;
  const silent = `${countText(unheard, 'silent host')} will be served after the next status`;
  return unheard > 0 ? `${begun}\n${silent}` : begun;
}
