/** One key deleted, or created, by several threads at the same moment. */
import type { ExecutionContext } from 'ava';
import { kernelTests } from '../../support/kernel.ts';
import { observer } from './observe.ts';

interface Raced {
  readonly wins: readonly number[];
  readonly alternations: number;
  readonly wrong: number;
  readonly left: number;
}

const kernel = kernelTests();
const observe = observer<Raced>('racing.scenario.ts');
const THREADS = 4;
const KEYS = 1000;

async function judge(t: ExecutionContext, race: 'delete' | 'create'): Promise<void> {
  const { wins, alternations, wrong, left } = await observe(race, `${THREADS}`, `${KEYS}`);
  t.log({ wins, alternations });
  t.true(wins.filter((won) => won > 0).length >= 2, 'inconclusive: only one thread ever won');
  t.true(alternations >= 10, 'inconclusive: the winner hardly changed');
  t.is(wrong, 0);
  t.is(left, race === 'delete' ? 0 : KEYS);
}

kernel('fact delete-race: of threads that delete one key one is told 0, the others ENOENT', async (t) => {
  await judge(t, 'delete');
});

kernel('fact create-race: of threads that create one key one is told 0, the others EEXIST', async (t) => {
  await judge(t, 'create');
});
