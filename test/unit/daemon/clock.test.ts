import { getEventListeners } from 'node:events';
import test from 'ava';
import { makeSystemClock } from '../../../daemon/clock.ts';

const clock = makeSystemClock();

test('clock: a delay lasts as long as it is to, and then listens to its signal no more', async (t) => {
  const { signal } = new AbortController();
  const start = clock.monotonicMs();
  await clock.delay(20, signal);
  t.true(clock.monotonicMs() - start >= 19); // timers count whole milliseconds
  await clock.delay(0, signal);
  await clock.delay(-1, signal);
  t.is(getEventListeners(signal, 'abort').length, 0);
});

test('clock: a delay that is cut short rejects with the reason of its signal, whatever that is', async (t) => {
  const over = new AbortController();
  const cut = t.throwsAsync(clock.delay(60_000, over.signal), { any: true });
  over.abort('over');
  t.is(await cut, 'over' as never);
  t.is(await t.throwsAsync(clock.delay(0, over.signal), { any: true }), 'over' as never);
  t.is(getEventListeners(over.signal, 'abort').length, 0);
});

test('clock: one that is longer than a timer can be does not end at once', async (t) => {
  const over = new AbortController();
  let ended = false;
  const long = clock.delay(2 ** 32, over.signal).then(
    () => {
      ended = true;
    },
    () => {},
  );
  await clock.delay(20, new AbortController().signal);
  t.false(ended);
  over.abort('over');
  await long;
});
