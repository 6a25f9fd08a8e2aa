import test from 'ava';
import { letDie } from '../life.ts';
import { play } from './play.ts';
import { scheduleOf } from './schedule.ts';

/** `./dev sim rollouts` plays many more. */
const FIRST = 3;
const SEEDS = 3;

letDie();

test('rollouts: whatever happens to hosts and controllers, what must hold of them holds after each transaction', async (t) => {
  t.timeout(600_000);
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    const { wrong } = await play(scheduleOf(seed), seed);
    t.deepEqual(wrong, [], `./dev sim rollouts --seeds 1 --from ${seed}`);
  }
});

test('rollouts: the same seed is the same run, to the last message', async (t) => {
  t.timeout(600_000);
  const [first, second] = [await play(scheduleOf(13), 13), await play(scheduleOf(13), 13)];
  t.is(first.trace, second.trace);
  t.not((await play(scheduleOf(13), 14)).trace, first.trace);
});
