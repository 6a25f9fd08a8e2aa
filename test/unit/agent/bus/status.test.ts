import test from 'ava';
import { StatusPublisher } from '../../../../agent/bus/status.ts';
import fixture from '../../../../protocol/fixtures/status.json' with { type: 'json' };
import { parseStatus } from '../../../../protocol/status.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';

test('status: it follows changes at most once a second, and is repeated every 15 s', async (t) => {
  const clock = new ManualClock();
  const over = new AbortController();
  const publishedAtMs: number[] = [];
  const bus = {
    publish: (telling: string, bytes: Uint8Array) => {
      publishedAtMs.push(clock.monotonicMs());
      t.deepEqual([telling, parseStatus(bytes).seq], ['status', publishedAtMs.length]);
    },
  };
  const make = () => parseStatus({ ...fixture, seq: publishedAtMs.length + 1 });
  const publisher = new StatusPublisher(make, bus, clock);
  const running = publisher.run(over.signal);
  for (let n = 0; n < 250; n += 1) {
    await clock.pass(10);
    publisher.changed();
  }
  await clock.pass(25_000);
  over.abort();
  await running;
  t.deepEqual(publishedAtMs, [0, 1000, 2000, 3000, 18_000]);
});

test('status: what comes of a change at once is told with it', async (t) => {
  const clock = new ManualClock();
  const over = new AbortController();
  let applied = 1;
  const told: (readonly [atMs: number, applied: number])[] = [];
  const bus = {
    publish: (_: string, bytes: Uint8Array) => told.push([clock.monotonicMs(), parseStatus(bytes).applied]),
  };
  const publisher = new StatusPublisher(() => parseStatus({ ...fixture, applied }), bus, clock);
  const running = publisher.run(over.signal);
  await clock.pass(5_000);
  publisher.changed(); // it is stored
  await clock.pass(20);
  applied = 2; // and in the kernel
  publisher.changed();
  await clock.pass(2_000);
  over.abort();
  await running;
  t.deepEqual(told, [
    [0, 1],
    [5_050, 2],
  ]);
});
