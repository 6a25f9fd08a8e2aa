import test from 'ava';
import type { Declined } from '../../../../controller/model/declined.ts';
import { type Cursor, NO_CURSOR } from '../../../../protocol/cursor.ts';
import { AMPLE_BYTES, apply, Folder, holds, openStore, type Store, spec, status } from '../fleet.ts';

const SELECTED = { hosts: { role: 'edge' } };

/** A host says how far it is. */
function says(store: Store, host: string, { epoch, rev }: Cursor, nowMs = 0): Promise<void> {
  const said = status(host, { labels: { role: 'edge' }, epoch, stored: rev, applied: rev, verified: rev });
  return store.roster.report([{ status: said, seenAtMs: nowMs }]);
}

async function listed(store: Store): Promise<readonly string[]> {
  return (await store.desk.hosts({ v: 1 }, AMPLE_BYTES)).items.map(({ host }) => host);
}

test('forget: one that speaks is refused; one that is silent, or is meant all the same, is gone from all lists', async (t) => {
  using folder = new Folder();
  let nowMs = 1_000_000;
  await using store = await openStore(folder.file(), () => nowMs);
  await apply(store, spec('web', 1, SELECTED), spec('named', 2, { hosts: ['b'] }));
  for (const host of ['a', 'b']) await says(store, host, NO_CURSOR, nowMs);
  nowMs += 20_000;
  const refused = (await t.throwsAsync(store.desk.forget({ v: 1, host: 'a' }))) as Declined;
  t.is(refused.code, 'HOST_SPEAKS');
  t.regex(
    refused.message,
    /^a was heard 20 s ago: stop its agent first; if it is dead, wait until .* a minute, or forget it all the same with --force$/,
  );
  t.deepEqual(await listed(store), ['a', 'b'], 'nothing was changed');
  const before = (await holds(store, 'a')).cursor;

  nowMs += 60_000;
  t.deepEqual(await store.desk.forget({ v: 1, host: 'a' }), { v: 1, host: 'a', known: true });
  t.deepEqual(await listed(store), ['b']);
  t.deepEqual(await store.desk.forget({ v: 1, host: 'a' }), { v: 1, host: 'a', known: true }, 'its head stays');
  t.deepEqual(await store.desk.forget({ v: 1, host: 'bb' }), { v: 1, host: 'bb', known: false, near: 'b' });
  const { host } = await store.desk.forget({ v: 1, host: 'b', force: true });
  t.deepEqual([host, await listed(store)], ['b', ['b']], 'something names it');
  t.deepEqual(
    [...(await holds(store, 'b')).intents.values()].map(({ name }) => name),
    ['named'],
  );

  const ask = { v: 1, host: 'a', have: before, from: before } as const;
  t.is(((await t.throwsAsync(store.logs.page(ask, AMPLE_BYTES))) as Declined).code, 'NOT_READY');
  await says(store, 'a', before, nowMs);
  const page = await store.logs.page(ask, AMPLE_BYTES);
  t.is(page.standing, 'ok');
  t.true(page.floor > before.rev, 'it has to begin from the whole set');
  t.deepEqual(
    [...(await holds(store, 'a')).intents.values()].map(({ name }) => name),
    ['web'],
  );
});

test('forget: a host that was only ever named in a list is not listed once nothing names it', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('web', 1, { hosts: ['edge-99'] }));
  t.deepEqual(await listed(store), ['edge-99']);
  await store.desk.delete(['web']);
  t.deepEqual(await listed(store), []);
});
