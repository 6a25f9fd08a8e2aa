import test from 'ava';
import { LookPace } from '../../../../agent/attach/look-pace.ts';

/** How many looks there are within this time when there is always a reason for one, and each takes so long. */
function looks(pace: LookPace, fromMs: number, toMs: number, eachMs: number): number {
  let count = 0;
  for (let nowMs = fromMs; ; count += 1) {
    nowMs += pace.waitMs(nowMs);
    if (nowMs >= toMs) return count;
    pace.took(nowMs, nowMs + eachMs);
    nowMs += eachMs;
  }
}

test('look pace: what is rare is met at once', (t) => {
  const pace = new LookPace();
  for (let nowMs = 0; nowMs < 100_000; nowMs += 1_000) {
    t.is(pace.waitMs(nowMs), 0);
    pace.took(nowMs, nowMs + 40);
  }
});

test('look pace: what never rests takes a twentieth of the time, after a second in a row', (t) => {
  const pace = new LookPace();
  const first = looks(pace, 0, 2_000, 30);
  t.true(first >= 33 && first <= 38, `${first}`);
  const later = looks(pace, 2_000, 602_000, 30);
  t.true(later >= 995 && later <= 1_005, `${later}`);
  t.is(pace.waitMs(640_000), 0, 'and is met at once when it has rested');
});

test('look pace: a bunch is looked at once, and whatever it takes, nobody waits for ever', (t) => {
  const pace = new LookPace();
  pace.took(0, 1);
  t.is(pace.waitMs(1), 20);
  pace.took(1_000, 61_000);
  t.is(pace.waitMs(61_000), 5_000);
});
