import test from 'ava';
import type { Step } from '../../../../agent/model/brake.ts';
import { type Cut, mayGo, type Window, withhold } from '../../../../agent/reconcile/brake.ts';

const NOW_MS = 1_000_000;

const cuts = (count: number, from = 100, what: Cut['what'] = 'removed'): Cut[] =>
  Array.from({ length: count }, (_, n) => ({ key: `k${from + n}`, rev: from + n, what }));
const single = (agoMs: number, rev = 50, had = 100): Step => ({
  atMs: NOW_MS - agoMs,
  rev,
  count: 1,
  single: true,
  had,
});
const many = (count: number, agoMs: number, rev = 50, had = 100): Step => ({
  ...{ atMs: NOW_MS - agoMs, rev, count, single: false, had },
});
const singles = (count: number, everyMs = 1_000): Step[] =>
  Array.from({ length: count }, (_, n) => single((count - n) * everyMs));

/** The first key, so often. */
const again = (times: number, single: boolean): Step[] =>
  Array.from({ length: times }, () => ({ ...(single ? one() : many(1, 1_000, 50, 6)), keys: ['k100'] }));
const one = (): Step => single(1_000);
/** The first five keys, one by one. */
const five = (): Step[] => cuts(4, 101).map(({ key }) => ({ ...many(1, 1_000, 50, 6), keys: [key] }));

interface Case {
  readonly cuts: readonly Cut[];
  readonly window?: Partial<Window>;
  /** How many are withheld, and how many steps are remembered. */
  readonly withheld: number;
  readonly steps: number;
}

const CASES: Readonly<Record<string, Case>> = {
  'nothing is cut': { cuts: [], withheld: 0, steps: 0 },
  'one is removed': { cuts: cuts(1), withheld: 0, steps: 1 },
  'five of a small host': { cuts: cuts(5), window: { had: 6 }, withheld: 0, steps: 1 },
  'six of a small host': { cuts: cuts(6), window: { had: 6 }, withheld: 6, steps: 0 },
  'a fifth of a large host': { cuts: cuts(20), window: { had: 100 }, withheld: 0, steps: 1 },
  'more than a fifth of a large host': { cuts: cuts(21), window: { had: 100 }, withheld: 21, steps: 0 },
  'sixty of a hundred': { cuts: cuts(60), window: { had: 100 }, withheld: 60, steps: 0 },
  'six that are sent elsewhere': { cuts: cuts(6, 100, 'retargeted'), window: { had: 6 }, withheld: 6, steps: 0 },
  'removed and sent elsewhere are counted together': {
    ...{ cuts: [...cuts(3), ...cuts(3, 200, 'retargeted')], window: { had: 10 }, withheld: 6, steps: 0 },
  },
  'two and then four within the minute': {
    ...{ cuts: cuts(4), window: { had: 8, steps: [many(2, 30_000, 50, 10)] }, withheld: 4, steps: 1 },
  },
  'two, and four after the minute': {
    ...{ cuts: cuts(4), window: { had: 8, steps: [many(2, 60_000, 50, 10)] }, withheld: 0, steps: 1 },
  },
  'two, and four just within the minute': {
    ...{ cuts: cuts(4), window: { had: 8, steps: [many(2, 59_999, 50, 10)] }, withheld: 4, steps: 1 },
  },
  'a share is of what there was when the minute began': {
    ...{ cuts: cuts(10), window: { had: 40, steps: [many(10, 9_000, 50, 100)] }, withheld: 0, steps: 2 },
  },
  'a twentieth single delete': { cuts: cuts(1), window: { steps: singles(19) }, withheld: 0, steps: 20 },
  'a twenty-first single delete': { cuts: cuts(1), window: { steps: singles(20) }, withheld: 1, steps: 20 },
  'a twenty-first after a minute': { cuts: cuts(1), window: { steps: singles(20, 3_001) }, withheld: 0, steps: 20 },
  'one that is sent elsewhere is no single delete': {
    ...{
      cuts: cuts(1, 100, 'retargeted'),
      window: { had: 10, steps: [many(5, 1_000, 50, 10)] },
      withheld: 1,
      steps: 1,
    },
  },
  'single deletes are not counted with the others': {
    ...{ cuts: cuts(5), window: { had: 10, steps: singles(20) }, withheld: 0, steps: 21 },
  },
  'all is permitted': { cuts: cuts(60), window: { permit: 159 }, withheld: 0, steps: 0 },
  'what is not permitted is counted alone': { cuts: cuts(60), window: { permit: 154 }, withheld: 0, steps: 1 },
  'too much beside what is permitted': { cuts: cuts(60), window: { permit: 130, had: 100 }, withheld: 29, steps: 0 },
  'one beside what is permitted is a single delete': {
    ...{ cuts: cuts(60), window: { permit: 158, steps: singles(20) }, withheld: 0, steps: 1 },
  },
  'steps that are permitted since do not count': {
    ...{ cuts: cuts(4), window: { had: 8, permit: 50, steps: [many(2, 30_000, 50, 10)] }, withheld: 0, steps: 1 },
  },
  'the same one that is sent elsewhere again and again': {
    ...{ cuts: cuts(1, 100, 'retargeted'), window: { had: 6, steps: again(30, false) }, withheld: 0, steps: 31 },
  },
  'another one after five that were sent elsewhere again and again': {
    ...{ cuts: cuts(1, 105, 'retargeted'), window: { had: 6, steps: [...again(5, false), ...five()] } },
    ...{ withheld: 1, steps: 9 },
  },
  'the same one that is deleted and put again and again': {
    ...{ cuts: cuts(1), window: { steps: again(30, true) }, withheld: 0, steps: 31 },
  },
  'while it holds, one is too much': { cuts: cuts(1), window: { holds: true }, withheld: 1, steps: 0 },
  'while it holds, what is permitted goes': {
    cuts: cuts(2),
    window: { holds: true, permit: 100 },
    withheld: 1,
    steps: 0,
  },
  'a step of a boot before counts as now': {
    ...{ cuts: cuts(4), window: { had: 8, steps: [many(2, -900_000, 50, 10)] }, withheld: 4, steps: 1 },
  },
};

for (const [what, { cuts: asked, window, withheld, steps }] of Object.entries(CASES)) {
  test(`withhold: ${what}`, (t) => {
    const verdict = withhold(asked, { steps: [], permit: 0, holds: false, had: 100, ...window }, NOW_MS);
    t.is(verdict.withheld.length, withheld);
    t.is(verdict.steps.length, steps);
    t.true(verdict.withheld.every(({ rev }) => rev > (window?.permit ?? 0)));
    t.true(verdict.steps.every(({ atMs }) => atMs <= NOW_MS));
  });
}

test('withhold: one delete every two seconds is held within the minute, and not before the twenty-first', (t) => {
  let steps: readonly Step[] = [];
  for (let n = 1; n <= 30; n += 1) {
    const verdict = withhold(cuts(1, n), { steps, permit: 0, holds: false, had: 100 - n }, n * 2_000);
    steps = verdict.steps;
    if (verdict.withheld.length === 0) continue;
    t.is(n, 21);
    t.true(n * 2_000 < 60_000);
    return;
  }
  t.fail('it never held');
});

test('withhold: the most that may go is a fifth, and five at least', (t) => {
  t.deepEqual([0, 1, 25, 29, 30, 100, 16_384].map(mayGo), [5, 5, 5, 5, 6, 20, 3276]);
});
