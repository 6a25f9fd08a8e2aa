import test from 'ava';
import { BROKEN, Model } from './model.ts';

const SCHEDULES = 1000;
const STEPS = 150;

/** Numbers that are the same each time. */
function numbers(seed: number): () => number {
  let state = seed * 2_654_435_761;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

/** What goes wrong first, and in how many schedules one came to an end. */
function play(breach?: (typeof BROKEN)[keyof typeof BROKEN]) {
  let ended = 0;
  for (let seed = 1; seed <= SCHEDULES; seed += 1) {
    const model = new Model(numbers(seed), breach);
    for (let step = 0; step < STEPS && !model.ended; step += 1) {
      const wrong = model.step();
      if (wrong !== undefined) return { wrong, ended };
    }
    if (model.ended) ended += 1;
  }
  return { wrong: undefined, ended };
}

test('rollout: in a thousand schedules of two controllers nothing goes wrong', (t) => {
  const { wrong, ended } = play();
  t.is(wrong, undefined);
  t.true(ended > SCHEDULES / 2, `${ended} came to an end`);
});

for (const [title, breach] of Object.entries(BROKEN))
  test(`rollout: a controller with ${title} is found out`, (t) => {
    t.truthy(play(breach).wrong);
  });
