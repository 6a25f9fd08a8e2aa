import { encodeRolloutResumeRequest } from '../../protocol/rollout-acts.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT, usage } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { actText, askAct, askStatus, nameText, requireRollout } from '../rollout/ask.ts';
import { causeText } from '../rollout/words.ts';
import { notice } from '../show/terminal.ts';

export const rolloutResume = command({
  synopsis: 'ID [--skip-gate] [--reason TEXT]',
  about: `Has a rollout that is paused go on where it was, and says why it was paused. Its gates are judged before anything moves. With
--skip-gate the step is done though a gate does not pass; the reason is kept with it.`,
  examples: ['shunt rollout resume 5c1d', "shunt rollout resume 5c1d --skip-gate --reason 'no traffic at night'"],
  options: ['skip-gate', 'reason', ...BUS_OPTIONS],
  operands: { placeholder: 'ID', min: 1, max: 1, asks: 'rollouts' },
  async run({ options, operands: [given = ''], terminal }) {
    const named = requireRollout(given);
    const { reason, 'skip-gate': skips } = options;
    if (skips && reason === undefined) throw usage('--skip-gate needs --reason TEXT: it is kept with the rollout');
    await using bus = await Bus.open(options);
    const { rollout } = await askStatus(bus, named, { evidence: 0 });
    const { id, version, state, cause } = rollout;
    if (state === 'PAUSED' && cause !== undefined)
      notice(terminal, `${nameText(rollout)} was paused: ${causeText(cause)}`);
    const terms = { ...(skips && { skipGate: true as const }), ...(reason !== undefined && { reason }) };
    const request = encodeRolloutResumeRequest({ v: 1, id, version, ...terms });
    const reply = await askAct(bus, 'rollout-resume', request);
    terminal.print(options.output === 'json' ? JSON.stringify(reply) : actText(reply));
    return EXIT.done;
  },
});
