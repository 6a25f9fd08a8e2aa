import test from 'ava';
import { parseRolloutExcludeRequest, parseRolloutResumeRequest } from '../../../protocol/rollout-acts.ts';
import { parseRolloutStartRequest } from '../../../protocol/rollout-start.ts';
import { readFixture } from './messages.ts';

const START = { v: 1, upload: 'u', part: 0, parts: 1, specs: [] };

test('rollouts: what passes a check says why', (t) => {
  for (const terms of [{ now: true }, { allowShrink: true }, { allowGrowth: true }]) {
    t.throws(() => parseRolloutStartRequest({ ...START, ...terms }), { code: 'MISSING_FIELD', message: /reason/ });
    t.notThrows(() => parseRolloutStartRequest({ ...START, ...terms, reason: 'because' }));
  }
  const resume = { v: 1, id: 'a', version: 3, skipGate: true };
  t.throws(() => parseRolloutResumeRequest(resume), { code: 'MISSING_FIELD', message: /reason/ });
  t.notThrows(() => parseRolloutResumeRequest({ ...resume, reason: 'because' }));
});

test('rollouts: one wave has no waves', (t) => {
  const now = { ...START, now: true, reason: 'because' };
  t.throws(() => parseRolloutStartRequest({ ...now, waves: ['1'] }), { code: 'BAD_FIELD', message: /now is one wave/ });
});

test('rollouts: a wave has a host, and no list is empty', (t) => {
  for (const waves of [[], ['0'], ['0%'], ['101%'], ['-1'], ['1.5'], ['10 %'], ['all'], [1]])
    t.throws(() => parseRolloutStartRequest({ ...START, waves }), { code: 'BAD_FIELD' }, JSON.stringify(waves));
  for (const waves of [['1'], ['1', '10%', '100%'], ['500']])
    t.deepEqual(parseRolloutStartRequest({ ...START, waves }).waves, waves);
  t.throws(() => parseRolloutStartRequest({ ...START, gates: [] }), { code: 'BAD_FIELD' });
  t.throws(() => parseRolloutExcludeRequest({ v: 1, id: 'a', hosts: [], reason: 'dead' }), { code: 'BAD_FIELD' });
});

test('rollouts: gates look like gates', (t) => {
  for (const gate of ['hits>=100', 'losses<=0.1%', 'verified>=98%', 'exceptions<=0', 'external'])
    t.deepEqual(parseRolloutStartRequest({ ...START, gates: [gate] }).gates, [gate]);
  for (const gate of ['', 'hits', 'hits>100', 'losses<=0,1%', 'Hits>=1', 'external=1'])
    t.throws(() => parseRolloutStartRequest({ ...START, gates: [gate] }), { code: 'BAD_FIELD' }, gate);
});

test('rollouts: parts are counted from 0', (t) => {
  const { part: _, ...rest } = readFixture('rollout-start-request');
  t.throws(() => parseRolloutStartRequest({ ...rest, part: 2 }), { code: 'BAD_FIELD', message: /counted from 0/ });
});
