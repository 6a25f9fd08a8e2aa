import test from 'ava';
import { AMPLE_BYTES, apply, Folder, holds, openStore, report, spec, status, updateOf } from '../fleet.ts';

test('log: a host that reports, or reports other labels, gets what is meant for it', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1, { hosts: { role: 'edge' } }), spec('b', 2, { hosts: 'all' }), spec('c', 3));
  const names = async (): Promise<string[]> =>
    [...(await holds(store, 'edge-1')).intents.values()].map(({ name }) => name).sort();
  t.deepEqual(await names(), ['c']);
  await report(store, 'edge-1');
  t.deepEqual(await names(), ['b', 'c']);
  await report(store, 'edge-1', { role: 'edge' });
  t.deepEqual(await names(), ['a', 'b', 'c']);
  await report(store, 'edge-1', { role: 'core' });
  t.deepEqual(await names(), ['b', 'c']);
});

test('tidy: tombstones go when the host is past them or after a day, and the floor says so', async (t) => {
  using folder = new Folder();
  let now = 1_000_000_000;
  await using store = await openStore(folder.file(), () => now);
  await apply(store, spec('a', 1), spec('b', 2), spec('c', 3));
  await store.desk.delete(['a']);
  const { epoch } = (await holds(store, 'edge-1')).head;
  await store.roster.report([{ status: status('edge-1', { epoch: '', stored: 0 }), seenAtMs: now }]);
  await store.roster.tidy();
  const page = () =>
    store.logs.page({ v: 1, host: 'edge-1', have: { epoch, rev: 3 }, from: { epoch, rev: 3 } }, AMPLE_BYTES);
  t.like(await page(), { floor: 0, head: 4 });
  t.is((await page()).changes.length, 1);
  await store.roster.report([{ status: status('edge-1', { epoch, stored: 4 }), seenAtMs: now }]);
  await store.roster.tidy();
  t.like(await page(), { floor: 4, changes: [] });
  await store.desk.delete(['b']);
  await store.roster.tidy();
  t.like(await page(), { floor: 4, rev: 5 });
  now += 25 * 3_600_000;
  await store.roster.tidy();
  t.like(await page(), { floor: 5, changes: [] });
  const replica = await holds(store, 'edge-1');
  t.is(replica.digest, replica.head.digest);
  await apply(store, spec('d', 4));
  t.like(await updateOf(store.logs, 'edge-1', 3, AMPLE_BYTES), { prev: 5, rev: 6 });
});

test('report: a status that is repeated or overtaken moves nothing, also one with other labels', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('edge', 1, { hosts: { role: 'edge' } }), spec('core', 2, { hosts: { role: 'core' } }));
  const say = (boot: string, seq: number, role: string, at: number) =>
    store.roster.report([{ status: status('edge-1', { boot, seq, at, labels: { role } }), seenAtMs: at }]);
  const names = async () => [...(await holds(store, 'edge-1')).intents.values()].map(({ name }) => name);
  await say('one', 7, 'core', 5_000);
  await say('two', 1, 'edge', 4_000);
  const { digest } = (await holds(store, 'edge-1')).head;
  for (const [boot, seq] of [
    ['one', 7],
    ['one', 8],
    ['two', 1],
    ['two', 0],
  ] as const)
    await say(boot, seq, 'core', 9_000);
  t.deepEqual(await names(), ['edge']);
  t.is((await holds(store, 'edge-1')).head.digest, digest);
  await say('two', 2, 'core', 3_000);
  t.deepEqual(await names(), ['core']);
});

test('report: a redirect goes to those agents alone that say that they can what it needs, and get, plan and hosts say so', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const idle = spec('quiet', 1, { hosts: 'all', idle: { after: '10m' } });
  const say = (host: string, can: readonly string[]) =>
    store.roster.report([{ status: status(host, { can, epoch: '', stored: 0 }), seenAtMs: 5 }]);
  await say('old', []);
  await say('new', ['idle']);
  const asked = { v: 1, upload: 'p', part: 0, parts: 1, specs: [idle] } as const;
  const planned = await store.desk.plan(asked, AMPLE_BYTES);
  const why = { code: 'AGENT_TOO_OLD', lacks: ['idle'] };
  t.like(planned, {
    changesTotal: 1,
    notSentTotal: 1,
    notSent: [{ name: 'quiet', ...why, hosts: ['old'], hostsTotal: 1 }],
  });
  await apply(store, idle);
  const names = async (host: string) => [...(await holds(store, host)).intents.values()].map(({ name }) => name);
  t.deepEqual([await names('old'), await names('new')], [[], ['quiet']]);
  t.like((await store.desk.get({ v: 1 }, AMPLE_BYTES)).items, [
    { hosts: ['new'], notSent: [{ host: 'old', ...why }], notSentTotal: 1 },
  ]);
  const troubles = async () =>
    (await store.desk.hosts({ v: 1 }, AMPLE_BYTES)).items.map(({ host, notSent }) => [host, notSent]);
  t.deepEqual(await troubles(), [
    ['new', undefined],
    ['old', { code: 'AGENT_TOO_OLD', redirects: 1 }],
  ]);
  await say('old', ['idle']);
  t.deepEqual(
    [await names('old'), await troubles()],
    [
      ['quiet'],
      [
        ['new', undefined],
        ['old', undefined],
      ],
    ],
  );
  await say('new', []);
  t.deepEqual(await names('new'), [], 'an agent that was put back gets a delete');
});

test('report: of several of a host in one write, the last that counts decides, and what lay between leaves no trace', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('edge', 1, { hosts: { role: 'edge' } }), spec('core', 2, { hosts: { role: 'core' } }));
  const say = (boot: string, seq: number, role: string) => ({
    status: status('edge-1', { boot, seq, labels: { role } }),
    seenAtMs: seq,
  });
  await store.roster.report([say('one', 1, 'core'), say('two', 2, 'edge'), say('one', 3, 'core')]);
  const { intents, head } = await holds(store, 'edge-1');
  t.deepEqual(
    [...intents.values()].map(({ name }) => name),
    ['edge'],
  );
  t.is(head.rev, 1);
  t.like((await store.desk.hosts({ v: 1 }, AMPLE_BYTES)).items, [{ seenAt: 2, labels: { role: 'edge' } }]);
});
