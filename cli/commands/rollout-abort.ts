import { encodeRolloutAbortRequest } from '../../protocol/rollout-acts.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { actText, askAct, requireRollout } from '../rollout/ask.ts';

export const rolloutAbort = command({
  synopsis: 'ID [--reason TEXT]',
  about: `Takes a rollout back from all hosts that have it, whatever it is at; hosts that are silent take it back when they return. What has
ended is undone with shunt rollout rollback.`,
  examples: ["shunt rollout abort 5c1d --reason 'the wrong file'"],
  options: ['reason', ...BUS_OPTIONS],
  operands: { placeholder: 'ID', min: 1, max: 1, asks: 'rollouts' },
  async run({ options, operands: [given = ''], terminal }) {
    const id = requireRollout(given);
    const { reason } = options;
    await using bus = await Bus.open(options);
    const request = encodeRolloutAbortRequest({ v: 1, id, ...(reason !== undefined && { reason }) });
    const reply = await askAct(bus, 'rollout-abort', request);
    terminal.print(options.output === 'json' ? JSON.stringify(reply) : actText(reply));
    return EXIT.done;
  },
});
