import test from 'ava';
import { letDie } from '../life.ts';
import { play } from './play.ts';
import { scheduleOf } from './schedule.ts';

/** `./dev sim confirmations` plays many more. */
const SEEDS = 60;

letDie();

test('confirmations: nothing unconfirmed outlives its deadline, and nothing confirmed is taken back by a timer', async (t) => {
  t.timeout(600_000);
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { wrong } = await play(scheduleOf(seed), seed);
    t.deepEqual(wrong, [], `./dev sim confirmations --seeds 1 --from ${seed}`);
  }
});
