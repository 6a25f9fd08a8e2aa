import test from 'ava';
import { playOne } from './crew.ts';
import { GAMES } from './game.ts';
import { letDie } from './life.ts';
import { play } from './play.ts';
import { scheduleOf } from './schedule.ts';
import { shorten } from './shorten.ts';

/** `./dev sim` plays many more. */
const SEEDS = 1000;

letDie();

test('schedules: whatever happens to them, hosts end with what was asked for, or say why not', async (t) => {
  t.timeout(1_800_000);
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { wrong, events } = await playOne('fleets', seed);
    t.deepEqual(wrong, [], `./dev sim --seeds 1 --from ${seed}`);
    t.true(events >= 200, `${events} events`);
  }
});

test('schedules: the same seed is the same run, to the last message and op', async (t) => {
  t.timeout(600_000);
  const [first, second] = [await play(scheduleOf(7), 7), await play(scheduleOf(7), 7)];
  t.is(first.trace, second.trace);
  t.is((await play(scheduleOf(7), 7, 'of SQLite')).trace, first.trace);
  t.not((await play(scheduleOf(8), 8)).trace, first.trace);
});

test('schedules: what is not needed for a failure is left out', async (t) => {
  const all = Array.from({ length: 100 }, (_, n) => n);
  t.deepEqual(await shorten(all, async (some) => some.includes(17) && some.includes(60)), [17, 60]);
});

test('schedules: what is left out is looked for so many times only', async (t) => {
  let tries = 0;
  const all = Array.from({ length: 1000 }, (_, n) => n);
  const kept = await shorten(all, async () => {
    tries += 1;
    return false;
  });
  t.is(tries, 300);
  t.deepEqual(kept, all);
});

test('schedules: every planted bug fits the sources', (t) => {
  for (const { bugs } of Object.values(GAMES))
    for (const name of bugs.names) t.deepEqual(bugs.misfits(name), [], `${name} is to be written anew`);
});
