import { didYouMean, nearest } from '../../protocol/near.ts';
import { encodeRolloutVerdictRequest } from '../../protocol/rollout-acts.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT, usage } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { actText, askAct, requireRollout } from '../rollout/ask.ts';
import { shortChange } from '../show/change-state.ts';
import { notice } from '../show/terminal.ts';

const WORDS = ['pass', 'fail'] as const;

export const rolloutVerdict = command({
  synopsis: 'ID pass|fail --reason TEXT',
  about: `Says what somebody outside saw of the wave that a rollout is in, for its gate external: a probe of A, a query, a person. Without a
word that gate is INCONCLUSIVE, and the rollout waits; after fail it is taken back.`,
  examples: ["shunt rollout verdict 5c1d pass --reason '1000 of 1000 answers at A'"],
  options: ['reason', ...BUS_OPTIONS],
  operands: { placeholder: 'ID pass|fail', min: 2, max: 2, asks: 'rollouts', rest: WORDS },
  async run({ options, operands: [given = '', word = ''], terminal }) {
    const id = requireRollout(given);
    const verdict = WORDS.find((one) => one === word);
    if (verdict === undefined) throw usage(`unexpected argument "${word}" after ID; ${meantBy(given, word)}`);
    const { reason } = options;
    if (reason === undefined) throw usage('say why, with --reason TEXT: it is kept with the rollout');
    await using bus = await Bus.open(options);
    const request = encodeRolloutVerdictRequest({ v: 1, id, verdict, reason });
    const reply = await askAct(bus, 'rollout-verdict', request);
    terminal.print(options.output === 'json' ? JSON.stringify(reply) : `${actText(reply)}; heard ${verdict}`);
    const { state, id: whole } = reply.rollout;
    if (state === 'PAUSED') notice(terminal, `it stays paused: shunt rollout resume ${shortChange(whole)} goes on`);
    return EXIT.done;
  },
});

function meantBy(id: string, word: string): string {
  if (WORDS.some((one) => one === id)) return `the id comes first: ${word} ${id}`;
  const meant = nearest(word, WORDS);
  return meant === undefined ? 'write pass or fail' : didYouMean(meant);
}
