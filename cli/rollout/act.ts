import type { RolloutAbortRequest, RolloutPauseRequest } from '../../protocol/rollout-acts.ts';
import { Bus } from '../client.ts';
import { type Command, command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { actText, askAct, requireRollout } from './ask.ts';

/** Makes the command that asks for one thing, and says of a rollout nothing but which, and why. */
export function reasonedAct(
  verb: 'rollout-pause' | 'rollout-abort',
  encode: (request: RolloutPauseRequest & RolloutAbortRequest) => Uint8Array,
  texts: Pick<Command, 'about' | 'examples'>,
) {
  return command({
    ...texts,
    synopsis: 'ID [--reason TEXT]',
    options: ['reason', ...BUS_OPTIONS],
    operands: { placeholder: 'ID', min: 1, max: 1, asks: 'rollouts' },
    async run({ options, operands: [given = ''], terminal }) {
      const id = requireRollout(given);
      const { reason } = options;
      await using bus = await Bus.open(options);
      const reply = await askAct(bus, verb, encode({ v: 1, id, ...(reason !== undefined && { reason }) }));
      terminal.print(options.output === 'json' ? JSON.stringify(reply) : actText(reply));
      return EXIT.done;
    },
  });
}
