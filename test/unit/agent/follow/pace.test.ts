import test from 'ava';
import { Pace } from '../../../../agent/follow/pace.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';

test('pace: the first sync is due at once, and none while one runs', (t) => {
  const pace = new Pace(new ManualClock());
  t.true(pace.leftMs <= 0);
  pace.started();
  t.is(pace.leftMs, Number.POSITIVE_INFINITY);
  pace.answered('well');
  t.is(pace.leftMs, 30_000);
});

test('pace: what is wanted starts a tenth of a second after the last one, on a reconnect at once', async (t) => {
  const clock = new ManualClock();
  const pace = new Pace(clock);
  pace.started();
  await clock.pass(40);
  pace.want();
  t.is(pace.leftMs, 60);
  pace.wantNow();
  t.true(pace.leftMs <= 0);
});

test('pace: a log that has something against the set is asked again after a second at the earliest', (t) => {
  const pace = new Pace(new ManualClock());
  pace.started();
  pace.answered('held');
  t.is(pace.leftMs, 30_000);
  pace.want();
  t.is(pace.leftMs, 1000);
});

test('pace: failures wait twice as long each time, up to half a minute, until one goes well', (t) => {
  const pace = new Pace(new ManualClock());
  const waits = Array.from({ length: 7 }, () => {
    pace.started();
    return pace.failed().retryMs;
  });
  t.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  pace.started();
  pace.answered('well');
  pace.started();
  t.deepEqual(pace.failed(), { retryMs: 1000, failures: 1 });
});
