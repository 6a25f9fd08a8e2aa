import { encodeRolloutExcludeRequest } from '../../protocol/rollout-acts.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT, usage } from '../line/failure.ts';
import { requireHost } from '../line/name.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { askAct, nameText, requireRollout } from '../rollout/ask.ts';
import { standingText } from '../rollout/words.ts';
import { countText, someText } from '../show/format.ts';

export const rolloutExclude = command({
  synopsis: 'ID HOST... --reason TEXT',
  about: `Leaves hosts out of a rollout: they are neither waited for nor judged. They give back what they have of it, and get the change
without a wave once it is DONE; until then they are named by status.`,
  examples: ["shunt rollout exclude 5c1d edge-9 --reason 'its power supply is broken'"],
  options: ['reason', ...BUS_OPTIONS],
  operands: { placeholder: 'ID HOST...', min: 2, max: Number.POSITIVE_INFINITY, asks: 'rollouts', rest: 'hosts' },
  async run({ options, operands: [given = '', ...named], terminal }) {
    const id = requireRollout(given);
    const hosts = [...new Set(named)].map(requireHost);
    const { reason } = options;
    if (reason === undefined) throw usage('say why, with --reason TEXT: it is kept with the rollout');
    await using bus = await Bus.open(options);
    const request = encodeRolloutExcludeRequest({ v: 1, id, hosts, reason });
    const reply = await askAct(bus, 'rollout-exclude', request);
    const { rollout, already } = reply;
    const done = already ? 'were left out already' : 'left out: given it without a wave once it is DONE';
    const text = `${nameText(rollout)}: ${standingText(rollout)}; ${countText(hosts.length, 'host')} (${someText(hosts)}) ${done}`;
    terminal.print(options.output === 'json' ? JSON.stringify(reply) : text);
    return EXIT.done;
  },
});
