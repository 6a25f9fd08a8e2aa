/** One key deleted by several threads at the same moment. */
import { kernelTests } from '../../support/kernel.ts';
import { observer } from './observe.ts';

interface Raced {
  readonly wins: readonly number[];
  readonly alternations: number;
  readonly wrong: number;
  readonly left: number;
}

const kernel = kernelTests();
const THREADS = 4;
const KEYS = 1000;

kernel(
  'fact delete-race: of several threads that delete one key exactly one is told 0, all others ENOENT',
  async (t) => {
    const { wins, alternations, wrong, left } = await observer<Raced>('deleting.scenario.ts')(`${THREADS}`, `${KEYS}`);
    t.log({ wins, alternations });
    t.true(wins.filter((won) => won > 0).length >= 2, 'inconclusive: only one thread ever won');
    t.true(alternations >= 10, 'inconclusive: the winner hardly changed');
    t.is(wrong, 0);
    t.is(left, 0);
  },
);
