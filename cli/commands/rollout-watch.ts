import { command } from '../line/command.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { requireRollout } from '../rollout/ask.ts';
import { toTheEnd } from '../rollout/to-the-end.ts';

export const rolloutWatch = command({
  synopsis: 'ID',
  about: `Follows a rollout until it has ended. On a terminal it fills the screen, and what counts down does so; in a pipe, and with -o json,
it writes a line for each change, and ends also where it is paused and somebody has to decide. Neither q nor Ctrl-C aborts it: it
goes on in the controller. The exit status is 0 of one that is DONE, 1 of one that was ROLLED_BACK, and 3 of one that has not ended.`,
  examples: ['shunt rollout watch 5c1d', 'shunt rollout watch 5c1d -o json'],
  options: BUS_OPTIONS,
  operands: { placeholder: 'ID', min: 1, max: 1, asks: 'rollouts' },
  async run({ options, operands: [given = ''], terminal }) {
    return toTheEnd(requireRollout(given), options, terminal);
  },
});
