import test from 'ava';
import { fitted } from '../../../../controller/rollout/fitted.ts';
import { bytesOf } from '../../../../protocol/json.ts';
import type { HoldUp, RolloutStatusReply } from '../../../../protocol/rollout-status.ts';
import {
  encodeRolloutStatusReply,
  MAX_EVIDENCE,
  MAX_ROLLOUT_HOSTS,
  parseRolloutStatusReply,
} from '../../../../protocol/rollout-status.ts';
import { evidence, statusOf, wave } from '../../cli/rollout/statuses.ts';

const hosts = Array.from({ length: MAX_ROLLOUT_HOSTS }, (_, at) => `edge-${at}-`.padEnd(63, 'x'));
const holdUps = hosts.map((host): HoldUp => ({ host, wave: 1, state: 'published', is: 'silent', seenAt: null }));
const ALL: RolloutStatusReply = statusOf({
  waveList: Array.from({ length: 32 }, (_, at) => wave(at + 1, `${at + 1}`, 5)),
  ...{ holdUps, holdUpsTotal: 5000, silent: hosts, silentTotal: 5000, deferred: hosts, deferredTotal: 9 },
  ...{ excluded: hosts, excludedTotal: 64, outstanding: hosts, outstandingTotal: 64 },
  evidence: Array.from({ length: MAX_EVIDENCE }, (_, at) => evidence(at, at, 'x'.repeat(500))),
});

test('fitted: a status that fits stays as it is', (t) => {
  t.is(fitted(ALL, bytesOf(ALL)), ALL);
});

test('fitted: of one that does not, the newest of what happened stays, then the hosts that hold it up, and all totals', (t) => {
  const some = fitted(ALL, 200_000);
  t.true(bytesOf(some) <= 200_000);
  t.like(some, { holdUps, outstanding: hosts, excluded: hosts });
  t.true(some.evidence.length > 100);
  t.deepEqual(some.evidence, ALL.evidence.slice(-some.evidence.length));
  const few = fitted(ALL, 14_000);
  t.true(bytesOf(few) <= 14_000);
  t.true(few.holdUps.length > 5);
  t.like(few, { holdUpsTotal: 5000, silentTotal: 5000, outstandingTotal: 64 });
  t.deepEqual(few.holdUps, holdUps.slice(0, few.holdUps.length));
  t.deepEqual(parseRolloutStatusReply(encodeRolloutStatusReply(few)), few);
});
