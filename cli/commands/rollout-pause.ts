import { encodeRolloutPauseRequest } from '../../protocol/rollout-acts.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { actText, askAct, requireRollout } from '../rollout/ask.ts';

export const rolloutPause = command({
  synopsis: 'ID [--reason TEXT]',
  about: `Holds a rollout: nothing is published and no soak counts until it is resumed. Gates are judged on, and where one fails it is taken back all the same.`,
  examples: ["shunt rollout pause 5c1d --reason 'the switch is rebooted'"],
  options: ['reason', ...BUS_OPTIONS],
  operands: { placeholder: 'ID', min: 1, max: 1, asks: 'rollouts' },
  async run({ options, operands: [given = ''], terminal }) {
    const id = requireRollout(given);
    const { reason } = options;
    await using bus = await Bus.open(options);
    const request = encodeRolloutPauseRequest({ v: 1, id, ...(reason !== undefined && { reason }) });
    const reply = await askAct(bus, 'rollout-pause', request);
    terminal.print(options.output === 'json' ? JSON.stringify(reply) : actText(reply));
    return EXIT.done;
  },
});
