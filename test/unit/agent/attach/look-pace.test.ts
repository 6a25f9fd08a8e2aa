import test from 'ava';
import { LookPace } from '../../../../agent/attach/look-pace.ts';

/** How many looks there are within this time when there is always a reason for one. */
function looks(pace: LookPace, fromMs: number, toMs: number): number {
  let count = 0;
  for (let nowMs = fromMs; ; count += 1) {
    nowMs += pace.waitMs(nowMs);
    if (nowMs >= toMs) return count;
    pace.take(nowMs);
  }
}

test('look pace: what is rare is met at once', (t) => {
  const pace = new LookPace();
  for (let nowMs = 0; nowMs < 100_000; nowMs += 1_000) {
    t.is(pace.waitMs(nowMs), 0);
    pace.take(nowMs);
  }
});

test('look pace: what never rests is looked at once a second', (t) => {
  const pace = new LookPace();
  const first = looks(pace, 0, 1_000);
  t.true(first >= 49 && first <= 51, `${first}`);
  const later = looks(pace, 1_000, 601_000);
  t.true(later >= 600 && later <= 602, `${later}`);
  t.is(pace.waitMs(660_000), 0, 'and met at once when it has rested');
});
