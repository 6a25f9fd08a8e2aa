import test from 'ava';
import { play } from './brakes/play.ts';
import { scheduleOf } from './brakes/schedule.ts';
import { letDie } from './life.ts';

/** `./dev sim brakes` plays many more. */
const SEEDS = 6;

letDie();

test('brakes: whatever happens to hosts, none loses more within a minute than it may without a word, and nothing that is allowed is withheld', async (t) => {
  const fired = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const played = await play(scheduleOf(seed), seed);
    t.deepEqual(played.wrong, [], `seed ${seed}`);
    for (const what of played.fired) fired.add(what);
  }
  t.true(fired.has('braked'));
});
