import test from 'ava';
import fc from 'fast-check';
import type { RatesNow } from '../../../../controller/ports.ts';
import { NO_CURSOR } from '../../../../protocol/cursor.ts';
import type { GetItem } from '../../../../protocol/listings.ts';
import { SILENT_MS, type Status } from '../../../../protocol/status.ts';
import { AMPLE_BYTES, apply, Folder, openStore, type Store, spec, status } from '../fleet.ts';

const NOW = 1_790_000_000_000;
const DAY_MS = 86_400_000;
const WELL = {
  counts: { desired: 1, installed: 1, idle: 0, expired: 0, blocked: 0, denied: 0, failed: 0 },
  ...{ exceptions: [], exceptionsTotal: 0, interfaces: [], labels: { role: 'edge' }, can: ['idle'] },
  ...{ problem: undefined, problems: undefined, undelivered: undefined, passed: undefined, passedTotal: undefined },
  idle: undefined,
};

/** Says of a host that it has all that is for it, and what else is told. */
async function say(store: Store, host: string, nowMs: number, more: object = {}): Promise<void> {
  const page = await store.logs.page({ v: 1, host, have: NO_CURSOR, from: NO_CURSOR }, AMPLE_BYTES);
  const { epoch, head } = page;
  const said = { ...WELL, epoch, stored: head, applied: head, verified: head, ...more };
  await store.roster.report([{ status: status(host, said as unknown as Partial<Status>), seenAtMs: nowMs }]);
}

async function live(store: Store, name: string): Promise<GetItem['live']> {
  return (await store.desk.get({ v: 1, name }, AMPLE_BYTES)).items[0]?.live;
}

const HOSTS = ['edge-1', 'edge-2', 'edge-3', 'edge-10'];
/** Of `web`, as `spec` makes it. */
const KEY = 'v4 udp 0.0.0.0/0:* > 10.0.0.1/32:443';

test('live: get says on how many hosts a redirect is in force, and of the others why not', async (t) => {
  using folder = new Folder();
  let now = NOW;
  await using store = await openStore(folder.file(), () => now);
  for (const host of HOSTS) await say(store, host, now);
  await apply(
    store,
    spec('web', 1, { hosts: 'all' }),
    spec('own', 1, { hosts: ['edge-9'], priority: 1 }),
    spec('off', 2, { enabled: false }),
  );
  t.deepEqual(await live(store, 'web'), {
    ...{ hosts: 0, total: 4 },
    states: [{ state: 'pending', total: 4, hosts: ['edge-1', 'edge-10', 'edge-2', 'edge-3'] }],
  });
  t.deepEqual(await live(store, 'own'), {
    ...{ hosts: 0, total: 1 },
    states: [{ state: 'unheard', total: 1, hosts: ['edge-9'] }],
  });
  t.deepEqual(await live(store, 'off'), { hosts: 0, total: 0, states: [] });
  for (const host of HOSTS) await say(store, host, now);
  t.like(await live(store, 'web'), { hosts: 4, total: 4, states: [{ state: 'installed', total: 4 }] });
  const exceptions = [{ key: KEY, name: 'web', rev: 1, state: 'blocked', code: 'NO_NEIGHBOUR' }];
  await say(store, 'edge-2', now, {
    exceptions,
    exceptionsTotal: 1,
    counts: { ...WELL.counts, installed: 0, blocked: 1 },
  });
  await say(store, 'edge-10', now, { bypass: true });
  t.deepEqual(await live(store, 'web'), {
    ...{ hosts: 2, total: 4 },
    states: [
      { state: 'blocked', code: 'NO_NEIGHBOUR', total: 1, hosts: ['edge-2'] },
      { state: 'bypass', total: 1, hosts: ['edge-10'] },
      { state: 'installed', total: 2, hosts: ['edge-1', 'edge-3'] },
    ],
  });
  await say(store, 'edge-9', now);
  await say(store, 'edge-9', now);
  t.deepEqual((await live(store, 'web'))?.states[2], {
    ...{ state: 'shadowed', by: 'own', total: 1, hosts: ['edge-9'] },
  });
  now += SILENT_MS + 1;
  await say(store, 'edge-1', now);
  t.deepEqual(await live(store, 'web'), {
    ...{ hosts: 1, total: 5 },
    states: [
      { state: 'silent', total: 3, hosts: ['edge-10', 'edge-2', 'edge-3'] },
      { state: 'shadowed', by: 'own', total: 1, hosts: ['edge-9'] },
      { state: 'installed', total: 1, hosts: ['edge-1'] },
    ],
  });
  now += SILENT_MS + 1;
  t.like(await live(store, 'web'), { hosts: 0 }, 'a fleet of silent hosts is never well');
});

test('live: what is not sent to an agent that is too old is counted among those that it is for', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file(), () => NOW);
  for (const host of ['edge-1', 'edge-2']) await say(store, host, NOW, host === 'edge-1' ? {} : { can: [] });
  await apply(store, spec('web', 1, { hosts: 'all', idle: { after: '10m' } }));
  await say(store, 'edge-1', NOW);
  t.deepEqual(await live(store, 'web'), {
    ...{ hosts: 1, total: 2 },
    states: [
      { state: 'unsent', code: 'AGENT_TOO_OLD', total: 1, hosts: ['edge-2'] },
      { state: 'installed', total: 1, hosts: ['edge-1'] },
    ],
  });
});

test('live: a brief answer names the first hosts of each list, and counts all', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file(), () => NOW);
  const hosts = Array.from({ length: 40 }, (_, at) => `edge-${at + 10}`);
  for (const host of hosts) await say(store, host, NOW);
  await apply(store, spec('web', 1, { hosts: 'all' }));
  const { items, at } = await store.desk.get({ v: 1, brief: true }, AMPLE_BYTES);
  t.is(at, NOW);
  t.like(items[0], { hostsTotal: 40, live: { hosts: 0, total: 40 }, since: NOW });
  t.deepEqual([items[0]?.hosts, items[0]?.live?.states[0]?.hosts], [hosts.slice(0, 8), hosts.slice(0, 8)]);
  t.false('rest' in (items[0] ?? {}));
});

test('get: the rate of a redirect is asked of all hosts that have it, however few are named', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file(), () => NOW);
  const hosts = Array.from({ length: 40 }, (_, at) => `edge-${at + 10}`);
  for (const host of hosts) await say(store, host, NOW);
  await apply(store, spec('web', 1, { hosts: 'all' }), spec('off', 2, { hosts: 'all', enabled: false }));
  const asked: unknown[] = [];
  const rates: RatesNow = {
    isComplete: (host) => host !== hosts[3],
    of: (name, on) => {
      asked.push([name, on]);
      return { packets: 1.5, bytes: 90, hosts: on.total };
    },
  };
  const { items } = await store.desk.get({ v: 1, brief: true }, AMPLE_BYTES, rates);
  t.deepEqual(asked, [['web', { total: 40, complete: 39 }]]);
  t.deepEqual(
    items.map(({ rate }) => rate),
    [undefined, { packets: 1.5, bytes: 90, hosts: 40 }],
  );
});

test('live: since is when the redirect came to be as it is, whoever joined later', async (t) => {
  using folder = new Folder();
  let now = NOW;
  await using store = await openStore(folder.file(), () => now);
  await say(store, 'edge-1', now);
  await apply(store, spec('web', 1, { hosts: 'all' }));
  const since = async () => (await store.desk.get({ v: 1, name: 'web' }, AMPLE_BYTES)).items[0]?.since;
  now += DAY_MS;
  await say(store, 'edge-0', now);
  t.is(await since(), NOW);
  await apply(store, spec('web', 1, { hosts: 'all', to: 'drop' }));
  t.is(await since(), now);
});

/** What may happen between two listings. */
const step = fc.record({
  does: fc.constantFrom('apply', 'apply', 'delete', 'say', 'say', 'forget', 'tidy', 'recover', 'wait'),
  host: fc.constantFrom(...HOSTS, 'edge-4', 'edge-0'),
  name: fc.constantFrom('a', 'b', 'c'),
  key: fc.integer({ min: 1, max: 2 }),
  hosts: fc.constantFrom<unknown>('all', ['edge-0', 'edge-3'], { role: 'edge' }, { role: 'core' }),
  role: fc.constantFrom('edge', 'core'),
  priority: fc.integer({ min: 0, max: 1 }),
});

test('live: what a controller remembers of a fleet says what one does that reads everything anew', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      using folder = new Folder();
      let now = NOW;
      await using store = await openStore(folder.file(), () => now);
      for (const { does, host, name, key, hosts, role, priority } of steps) {
        now += does === 'wait' ? SILENT_MS : 1_000;
        if (does === 'apply') await apply(store, spec(name, key, { hosts, priority }));
        if (does === 'delete') await store.desk.delete([name]);
        if (does === 'say') await say(store, host, now, { labels: { role } });
        if (does === 'forget') await store.desk.forget({ v: 1, host, force: true });
        if (does === 'tidy') await store.roster.tidy();
        if (does === 'recover') await store.desk.recover();
        await using fresh = await openStore(folder.file(), () => now);
        t.deepEqual(await store.desk.get({ v: 1 }, AMPLE_BYTES), await fresh.desk.get({ v: 1 }, AMPLE_BYTES));
        t.deepEqual(await store.desk.hosts({ v: 1 }, AMPLE_BYTES), await fresh.desk.hosts({ v: 1 }, AMPLE_BYTES));
      }
    }),
    { numRuns: 12 },
  );
});
