import { DEFAULT_EVIDENCE, MAX_EVIDENCE } from '../../protocol/rollout-status.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { askStatus, requireRollout } from '../rollout/ask.ts';
import { listing } from '../rollout/frame.ts';
import { exitOf } from '../rollout/words.ts';

export const rolloutStatus = command({
  synopsis: 'ID [--last N]',
  about: `Shows how a rollout stands: what it waits for and how long at most, each wave with its hosts, each gate with what the hosts that have
the change show against those that have not, the hosts that hold it up, and what happened. In a bar, █ verified the change, ▒ have
it and did not say so yet, × had it or are left out, · are yet to come. The exit status is 0 of one that is DONE, 1 of one that
was ROLLED_BACK, and 3 of one that has not ended.`,
  examples: ['shunt rollout status 5c1d', 'shunt rollout status 5c1d -o json'],
  options: ['last', ...BUS_OPTIONS],
  helps: { last: 'how much of what happened (default: 50)' },
  operands: { placeholder: 'ID', min: 1, max: 1, asks: 'rollouts' },
  async run({ options, operands: [given = ''], written, terminal }) {
    const id = requireRollout(given);
    const evidence = written.has('last') ? Math.min(options.last, MAX_EVIDENCE) : DEFAULT_EVIDENCE;
    await using bus = await Bus.open(options);
    const status = await askStatus(bus, id, { evidence });
    const { v: _, ...told } = status;
    terminal.print(options.output === 'json' ? JSON.stringify(told) : listing(status, terminal));
    return exitOf(status.rollout.state);
  },
});
