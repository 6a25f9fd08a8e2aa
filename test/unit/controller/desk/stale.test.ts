import test from 'ava';
import { ALLOWED, AMPLE_BYTES, apply, Folder, openStore, report, type Store, spec } from '../fleet.ts';

const WIDE = { ...spec('wide', 0), match: { dst: '10.0.0.0/24' }, to: { nexthop: '192.0.2.9' } };
const ASKED = { v: 1, upload: 'u', part: 0, parts: 1, specs: [spec('a', 1, { hosts: { role: 'edge' } })] } as const;
const GOES = { ...ASKED, delete: ['b'] } as const;

async function open(folder: Folder): Promise<Store> {
  const store = await openStore(folder.file());
  await report(store, 'edge-1', { role: 'edge' });
  await report(store, 'core-1', { role: 'core' });
  await apply(store, spec('b', 2), WIDE, spec('far', 300), spec('other', 1, { hosts: 'all', to: 'pass' }));
  return store;
}

const MOVES: Readonly<Record<string, readonly [(store: Store) => Promise<unknown>, stale: boolean]>> = {
  'nothing moved': [async () => {}, false],
  'another redirect that has nothing to do with it': [
    (store) => apply(store, spec('new', 4000), spec('far', 301)),
    false,
  ],
  'a host that is not concerned has other labels': [
    (store) => report(store, 'core-1', { role: 'core', rack: '2' }),
    false,
  ],
  'the redirect itself came meanwhile': [(store) => apply(store, spec('a', 7)), true],
  'what is to go says something else': [(store) => apply(store, spec('b', 2, { to: 'drop' })), true],
  'what is to go is gone': [(store) => store.desk.delete(['b']), true],
  'another one with the same match came': [(store) => apply(store, spec('c', 1, { hosts: { role: 'edge' } })), true],
  'the one that it shadows says something else': [(store) => apply(store, spec('other', 1, { hosts: 'all' })), true],
  'the wider one, to which packets would go, sends them elsewhere': [
    (store) => apply(store, { ...WIDE, to: { nexthop: '192.0.2.10' } }),
    true,
  ],
  'a host is concerned that was not': [(store) => report(store, 'edge-2', { role: 'edge' }), true],
  'a host is concerned no more': [(store) => report(store, 'edge-1', { role: 'core' }), true],
  'a host that is concerned has other labels': [(store) => report(store, 'edge-1', { role: 'edge', rack: '2' }), true],
};

for (const [title, [move, stale]] of Object.entries(MOVES)) {
  test(`stale: ${title}`, async (t) => {
    using folder = new Folder();
    await using store = await open(folder);
    const { basis = '' } = await store.desk.plan(GOES, AMPLE_BYTES);
    await move(store);
    const { rev } = await store.logs.movedAfter(0);
    const done = store.desk.apply({ ...GOES, basis, ...ALLOWED });
    if (stale) {
      t.like(await t.throwsAsync(done), { code: 'PLAN_STALE' });
      t.is((await store.logs.movedAfter(0)).rev, rev, 'nothing was changed');
    } else t.like(await done, { created: 1, deleted: 1 });
  });
}

test('stale: an apply that was carried out is not carried out again', async (t) => {
  using folder = new Folder();
  await using store = await open(folder);
  const { basis = '' } = await store.desk.plan(GOES, AMPLE_BYTES);
  await store.desk.apply({ ...GOES, basis });
  t.like(await t.throwsAsync(store.desk.apply({ ...GOES, upload: 'again', basis })), { code: 'PLAN_STALE' });
});

test('apply: what goes goes in the same transaction, and nothing both comes and goes', async (t) => {
  using folder = new Folder();
  await using store = await open(folder);
  t.like(await store.desk.apply({ ...ASKED, delete: ['b', 'never'] }), { created: 1, deleted: 1 });
  t.like(await store.desk.apply({ ...ASKED, upload: 'v', specs: [], delete: ['far'] }), { created: 0, deleted: 1 });
  const both = store.desk.apply({ ...ASKED, upload: 'w', delete: ['a'] });
  t.like(await t.throwsAsync(both), {
    code: 'BAD_REQUEST',
    message: 'a is to be applied and to be deleted; choose one of them',
  });
  t.like(await store.desk.get({ v: 1, name: 'a' }, AMPLE_BYTES), { items: [{ spec: { name: 'a' } }] });
});
