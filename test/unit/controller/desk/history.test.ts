import test from 'ava';
import { MAX_DELETING, MAX_DELETING_HOSTS } from '../../../../protocol/deleting.ts';
import { AMPLE_BYTES, apply, Folder, holds, openStore, type Store, spec, status } from '../fleet.ts';

const ORIGIN = { actor: 'ann@ops-1', sources: ['drain.yaml'], reason: 'web-2 is replaced' };

test('history: who did what to a redirect, from where and why, also once it is deleted; what did not change has no row', async (t) => {
  using folder = new Folder();
  let now = 100;
  await using store = await openStore(folder.file(), () => now);
  const upload = (id: string, ...specs: readonly object[]) =>
    store.desk.apply({ v: 1, upload: id, part: 0, parts: 1, specs, reason: ORIGIN.reason }, undefined, ORIGIN);
  await upload('one', spec('web', 1), spec('dns', 2));
  now = 200;
  await upload('two', spec('web', 1, { to: 'drop' }), spec('dns', 2));
  await upload('three', spec('web', 1, { to: 'drop' }));
  now = 300;
  const { change } = await store.desk.delete(['web', 'absent'], undefined, undefined, { actor: 'bob@ops-2' });
  const { items, next } = await store.desk.history({ v: 1, name: 'web' }, AMPLE_BYTES);
  const key = 'v4 udp 0.0.0.0/0:* > 10.0.0.1/32:443';
  t.is(next, null);
  t.deepEqual(items, [
    { change, verb: 'delete', made: 300, actor: 'bob@ops-2', hosts: 1, redirects: 1, what: 'deleted', key },
    { change: 'two', verb: 'apply', made: 200, ...ORIGIN, hosts: 1, redirects: 1, what: 'changed', key },
    { change: 'one', verb: 'apply', made: 100, ...ORIGIN, hosts: 1, redirects: 2, what: 'created', key },
  ]);
  t.deepEqual((await store.desk.history({ v: 1, name: 'absent' }, AMPLE_BYTES)).items, []);
  const all = (await store.desk.history({ v: 1 }, AMPLE_BYTES)).items;
  t.deepEqual(
    all.map((item) => `${item.change === change ? 'gone' : item.change} ${item.redirects}`),
    ['gone 1', 'three 0', 'two 1', 'one 2'],
  );
});

test('history: pages end, and each change is on one of them', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  for (let n = 0; n < 7; n += 1) await apply(store, spec('web', 1, { priority: n }));
  const seen: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await store.desk.history({ v: 1, name: 'web', limit: 3, ...(after && { after }) }, AMPLE_BYTES);
    seen.push(...page.items.map(({ change }) => change));
    if (page.next === null) break;
    after = page.next;
  }
  t.is(new Set(seen).size, 7);
});

test('history: an upload whose id another change has already gets one of its own', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const [one, two] = [await apply(store, spec('a', 1)), await apply(store, spec('b', 2))];
  t.is(one.change, 'test');
  t.not(two.change, 'test');
});

async function follow(store: Store, host: string, seenAtMs: number): Promise<void> {
  const { epoch, rev } = (await holds(store, host)).head;
  const said = status(host, {
    epoch,
    stored: rev,
    applied: rev,
    verified: rev,
    labels: {},
    exceptions: [],
    exceptionsTotal: 0,
  });
  await store.roster.report([{ status: said, seenAtMs }]);
}

test('deleting: a redirect is named until its last host confirmed that it is gone, or was forgotten', async (t) => {
  using folder = new Folder();
  let now = 1_000_000;
  await using store = await openStore(folder.file(), () => now);
  const hosts = ['e1', 'e2', 'e3'];
  await apply(store, spec('web', 1, { hosts }), spec('dns', 2, { hosts: ['e1'] }), spec('own', 3, { hosts: ['x'] }));
  for (const host of [...hosts, 'x']) await follow(store, host, now);
  const deleting = async (name?: string) => {
    const reply = await store.desk.get({ v: 1, ...(name && { name }) }, AMPLE_BYTES);
    return (reply.deleting ?? []).map(({ name: gone, confirmed, total, hosts: left }) =>
      [gone, `${confirmed}/${total}`, ...left].join(' '),
    );
  };
  t.deepEqual(await deleting(), []);
  const { change } = await store.desk.delete(['web', 'dns']);
  t.deepEqual(await deleting(), ['dns 0/1 e1', 'web 0/3 e1 e2 e3']);
  t.is((await store.desk.get({ v: 1 }, AMPLE_BYTES)).deleting?.[0]?.change, change);
  await follow(store, 'e1', now);
  t.deepEqual(await deleting(), ['web 1/3 e2 e3']);
  await store.roster.tidy();
  t.deepEqual(await deleting(), ['web 1/3 e2 e3']);
  t.deepEqual(await deleting('dns'), []);
  t.deepEqual(await deleting('web'), ['web 1/3 e2 e3']);
  await follow(store, 'e2', now);
  now += 61_000;
  await store.desk.forget({ v: 1, host: 'e3' });
  t.deepEqual(await deleting(), []);
});

test('deleting: what is wanted again is not named, and neither is what never stood', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('web', 1), spec('off', 2, { enabled: false }));
  await store.desk.delete(['web', 'off']);
  t.is((await store.desk.get({ v: 1 }, AMPLE_BYTES)).deletingTotal, 1);
  await apply(store, spec('web', 1));
  t.is((await store.desk.get({ v: 1 }, AMPLE_BYTES)).deletingTotal, undefined);
});

test('deleting: of very many the first are named with the first of their hosts, and all are counted', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const hosts = Array.from({ length: MAX_DELETING_HOSTS + 1 }, (_, n) => `e${n}`);
  const names = Array.from({ length: MAX_DELETING + 20 }, (_, n) => `web-${n}`);
  await apply(store, ...names.map((name, n) => spec(name, n, { hosts })));
  await store.desk.delete(names, undefined, { allowShrink: true, reason: 'all of it goes' });
  const { deleting = [], deletingTotal } = await store.desk.get({ v: 1 }, AMPLE_BYTES);
  t.is(deletingTotal, names.length);
  t.is(deleting.length, MAX_DELETING);
  t.like(deleting[0], { name: 'web-0', total: hosts.length, confirmed: 0 });
  t.is(deleting[0]?.hosts.length, MAX_DELETING_HOSTS);
});

test('tidy: changes are kept for ninety days, the newest for ever', async (t) => {
  using folder = new Folder();
  let now = 1_000_000;
  await using store = await openStore(folder.file(), () => now);
  const changes = async () => (await store.desk.history({ v: 1 }, AMPLE_BYTES)).items.length;
  await apply(store, spec('a', 1));
  now += 50 * 86_400_000;
  await apply(store, spec('b', 2));
  await store.roster.tidy();
  t.is(await changes(), 2);
  now += 50 * 86_400_000;
  await store.roster.tidy();
  t.is(await changes(), 1);
  t.deepEqual((await store.desk.history({ v: 1, name: 'a' }, AMPLE_BYTES)).items, []);
  now += 500 * 86_400_000;
  await store.roster.tidy();
  t.is(await changes(), 1);
});
