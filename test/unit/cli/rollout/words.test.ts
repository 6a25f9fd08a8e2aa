import test from 'ava';
import { causeText, exitOf, shareText, shortShareText, summaryText } from '../../../../cli/rollout/words.ts';
import { ROLLOUT_STATES } from '../../../../protocol/rollout.ts';
import { BEGAN, rolledBack, statusOf } from './statuses.ts';

test('words: a share is never 0 of what is there, nor all of what is not', (t) => {
  const cases: readonly [count: number, of: number | undefined, text: string][] = [
    [0, 210, '0% (0 of 210)'],
    [1, 51_877, '<0.01% (1 of 51,877)'],
    [212, 48_210, '0.44% (212 of 48,210)'],
    [5, 5, '100% (5 of 5)'],
    [9_999, 10_000, '99.9% (9,999 of 10,000)'],
    [99_999, 100_000, '99.9% (99,999 of 100,000)'],
    [1, 4, '25% (1 of 4)'],
    [0, 0, '0 of 0'],
    [48_210, undefined, '48,210'],
  ];
  for (const [count, of, text] of cases) t.is(shareText({ count, ...(of !== undefined && { of }) }), text);
  t.is(shortShareText({ count: 1, of: 4 }), '25% of 4');
  t.is(shortShareText(null), '-');
});

test('words: how it ended is one line, with what is left to do', (t) => {
  const { step: _, ...head } = statusOf().rollout;
  const done = {
    ...statusOf({ silentTotal: 0 }),
    rollout: { ...head, state: 'DONE', published: 49, ended: BEGAN + 723_000 },
  } as const;
  t.is(
    summaryText(done),
    'rollout 5c1d9e20: DONE after 12m3s; 5 of 50 hosts have it; given it once they can take it: edge-9',
  );
  t.is(
    summaryText(rolledBack()),
    'rollout 5c1d9e20: ROLLED_BACK after 4m16s: GATE_FAILED losses<=0.1% on edge-4 of drain-web-2: 0.44% (212 of 48,210); other hosts <0.01% (2 of 51,877); not confirmed yet that it is gone by 1 host: edge-9',
  );
  t.is(summaryText(statusOf()), 'rollout 5c1d9e20: RUNNING, wave 2 of 5: SOAK, 5 of 50 hosts have it');
});

test('words: who asked for it is named, and why', (t) => {
  const cause = { code: 'ASKED', at: BEGAN } as const;
  t.is(causeText(cause), 'somebody asked for it');
  t.is(causeText({ ...cause, actor: 'ann@ops-1', reason: 'the wrong file' }), 'ann@ops-1 asked for it: the wrong file');
});

test('words: the exit status is 0 of one that is done, 1 of one that went back, and 3 of all others', (t) => {
  t.deepEqual(ROLLOUT_STATES.map(exitOf), [3, 3, 3, 0, 1]);
});
