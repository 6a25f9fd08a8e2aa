import test from 'ava';
import { pino } from 'pino';
import { keepHouse } from '../../../../controller/serve/keep-house.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';

const MINUTE_MS = 60_000;

test('house: logs are made to follow once, and what is old goes every ten minutes, also after a failure', async (t) => {
  const clock = new ManualClock();
  const end = new AbortController();
  const done: string[] = [];
  let failing = true;
  const upkeep = {
    reconcile: async () => void done.push('reconcile'),
    refused: async () => [],
    tidy: async () => {
      done.push('tidy');
      if (failing) throw new Error('busy');
    },
  };
  const onChange = (): void => void done.push('change');
  const running = keepHouse({ upkeep, clock, log: pino({ level: 'silent' }), onChange }, end.signal);
  await clock.pass(10 * MINUTE_MS - 1);
  t.deepEqual(done, ['reconcile', 'change']);
  await clock.pass(1);
  failing = false;
  await clock.pass(10 * MINUTE_MS);
  t.deepEqual(done, ['reconcile', 'change', 'tidy', 'tidy']);
  end.abort();
  await running;
});

test('house: logs that could not be made to follow are tried again every ten seconds', async (t) => {
  const clock = new ManualClock();
  const end = new AbortController();
  const done: string[] = [];
  const upkeep = {
    reconcile: async () => {
      done.push('reconcile');
      if (done.length < 3) throw new Error('busy');
    },
    refused: async () => [],
    tidy: async () => void done.push('tidy'),
  };
  const onChange = (): void => void done.push('change');
  const running = keepHouse({ upkeep, clock, log: pino({ level: 'silent' }), onChange }, end.signal);
  await clock.pass(9_999);
  t.deepEqual(done, ['reconcile']);
  await clock.pass(10_001);
  t.deepEqual(done, ['reconcile', 'reconcile', 'reconcile', 'change']);
  await clock.pass(10 * MINUTE_MS);
  t.deepEqual(done.slice(4), ['tidy']);
  end.abort();
  await running;
});

test('house: redirects that stand and would be refused now are told once, by name, the first of them', async (t) => {
  const clock = new ManualClock();
  const end = new AbortController();
  const told: Record<string, unknown>[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => void told.push(JSON.parse(line)) });
  const names = Array.from({ length: 30 }, (_, index) => `old-${index}`);
  const upkeep = { reconcile: async () => {}, tidy: async () => {}, refused: async () => names };
  const running = keepHouse({ upkeep, clock, log, onChange: () => {} }, end.signal);
  await clock.pass(20 * MINUTE_MS);
  t.deepEqual(
    told.map(({ redirects, total }) => ({ redirects, total })),
    [{ redirects: names.slice(0, 20), total: 30 }],
  );
  end.abort();
  await running;
});
