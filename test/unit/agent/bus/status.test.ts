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
