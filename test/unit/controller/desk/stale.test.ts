import test from 'ava';
import { ALLOWED, AMPLE_BYTES, apply, Folder, openStore, report, type Store, spec } from '../fleet.ts';

const HOSTS = /no redirect moved since then: hosts came, went or have other labels/;
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

/** What moves, and what the refusal says of it; undefined: there is none. */
const MOVES: Readonly<Record<string, readonly [(store: Store) => Promise<unknown>, said?: RegExp]>> = {
  'nothing moved': [async () => {}],
  'another redirect that has nothing to do with it': [(store) => apply(store, spec('new', 4000), spec('far', 301))],
  'a host that is not concerned has other labels': [(store) => report(store, 'core-1', { role: 'core', rack: '2' })],
  'the redirect itself came meanwhile': [
    (store) => apply(store, spec('a', 7)),
    /moved since then: a by change \S+ at /,
  ],
  'what is to go says something else': [(store) => apply(store, spec('b', 2, { to: 'drop' })), /: b by change/],
  'what is to go is gone': [(store) => store.desk.delete(['b']), /: b by change/],
  'another one with the same match came': [
    (store) => apply(store, spec('c', 1, { hosts: { role: 'edge' } })),
    /: c by change/,
  ],
  'the one that it shadows says something else': [
    (store) => apply(store, spec('other', 1, { hosts: 'all' })),
    /: other by change/,
  ],
  'the wider one, to which packets would go, sends them elsewhere': [
    (store) => apply(store, { ...WIDE, to: { nexthop: '192.0.2.10' } }),
    /no redirect of it moved since then: others did, by change/,
  ],
  'a host is concerned that was not': [(store) => report(store, 'edge-2', { role: 'edge' }), HOSTS],
  'a host is concerned no more': [(store) => report(store, 'edge-1', { role: 'core' }), HOSTS],
  'a host that is concerned has other labels': [(store) => report(store, 'edge-1', { role: 'edge', rack: '2' }), HOSTS],
};

for (const [title, [move, said]] of Object.entries(MOVES)) {
  test(`stale: ${title}`, async (t) => {
    using folder = new Folder();
    await using store = await open(folder);
    const { basis = '', newest } = await store.desk.plan(GOES, AMPLE_BYTES);
    await move(store);
    const { rev } = await store.logs.movedAfter(0);
    const done = store.desk.apply({ ...GOES, basis, newest: newest ?? 0, ...ALLOWED });
    if (said !== undefined) {
      const error = await t.throwsAsync(done);
      t.like(error, { code: 'PLAN_STALE' });
      t.regex(error?.message ?? '', said);
      t.is((await store.logs.movedAfter(0)).rev, rev, 'nothing was changed');
    } else t.like(await done, { created: 1, deleted: 1 });
  });
}

test('stale: an apply that was carried out is not carried out again', async (t) => {
  using folder = new Folder();
  await using store = await open(folder);
  const { basis = '' } = await store.desk.plan(GOES, AMPLE_BYTES);
  await store.desk.apply({ ...GOES, basis });
  const again = await t.throwsAsync(store.desk.apply({ ...GOES, upload: 'again', basis }));
  t.like(again, { code: 'PLAN_STALE' });
  t.regex(
    again?.message ?? '',
    /\(PLAN_STALE\): applied already, all of it is so since change u at \d{4}-.*; nothing was changed/,
  );
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
