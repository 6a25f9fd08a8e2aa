import { copyFileSync } from 'node:fs';
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

async function standingOf(store: Store, host: string, have: Cursor): Promise<string> {
  return (await store.logs.page({ v: 1, host, have, from: have }, AMPLE_BYTES)).standing;
}

async function listed(store: Store): Promise<readonly string[]> {
  return (await store.desk.hosts({ v: 1 }, AMPLE_BYTES)).items.map(({ host }) => host);
}

test('recover: every history is over, those of hosts too, and each host begins from the whole set', async (t) => {
  using folder = new Folder();
  let theirs: Cursor = NO_CURSOR;
  {
    await using other = await openStore(folder.file('other.db'));
    await says(other, 'b', NO_CURSOR);
    await apply(other, spec('theirs', 9, SELECTED));
    theirs = (await holds(other, 'b')).cursor;
  }
  await using store = await openStore(folder.file());
  for (const host of ['a', 'c']) await says(store, host, NO_CURSOR);
  await apply(store, spec('web', 1, SELECTED));
  const ours = (await holds(store, 'a')).cursor;
  for (const [host, cursor] of [
    ['a', ours],
    ['b', theirs],
    ['c', { ...ours, rev: ours.rev + 7 }],
  ] as const)
    await says(store, host, cursor);
  t.deepEqual([await standingOf(store, 'a', ours), await standingOf(store, 'b', theirs)], ['ok', 'unknown']);

  const done = await store.desk.recover();
  t.like(done, { foreign: 1, hosts: ['b', 'c'], hostsTotal: 2 });
  t.not(done.epoch, ours.epoch);
  for (const [host, have] of [
    ['a', ours],
    ['b', theirs],
  ] as const) {
    t.is(await standingOf(store, host, have), 'superseded', host);
    const page = await store.logs.page({ v: 1, host, have, from: NO_CURSOR }, AMPLE_BYTES);
    t.deepEqual([page.standing, page.epoch, page.changes.length], ['superseded', done.epoch, 1], host);
  }
  t.is((await holds(store, 'a')).cursor.epoch, done.epoch);

  const again = await store.desk.recover();
  t.deepEqual([again.foreign, again.hostsTotal, again.superseded], [0, 0, 1], 'only the newest was not over');
  await says(store, 'late', { epoch: 'third.one', rev: 3 });
  t.like(await store.desk.recover(), { foreign: 1, hosts: ['late'], superseded: 2 });
  t.is(await standingOf(store, 'late', { epoch: 'third.one', rev: 3 }), 'superseded');
});

test('recover: what it wrote is sound after a restart, and changes go on in the new history', async (t) => {
  using folder = new Folder();
  let recovered = '';
  {
    await using store = await openStore(folder.file());
    await says(store, 'a', { epoch: 'foreign.1', rev: 5 });
    await apply(store, spec('web', 1, SELECTED));
    recovered = (await store.desk.recover()).epoch;
  }
  await using store = await openStore(folder.file());
  t.deepEqual((await store.desk.hosts({ v: 1 }, AMPLE_BYTES)).damage, undefined);
  t.is((await holds(store, 'a')).cursor.epoch, recovered);
  await apply(store, spec('more', 2, SELECTED));
  const { cursor, intents } = await holds(store, 'a');
  t.is(intents.size, 2);
  t.is(await standingOf(store, 'a', cursor), 'ok');
});

test('recover: a host that joined after the backup, and is selected by its labels alone, is heard before it is answered', async (t) => {
  using folder = new Folder();
  let have: Cursor = NO_CURSOR;
  {
    await using store = await openStore(folder.file());
    await apply(store, spec('web', 1, SELECTED));
  }
  copyFileSync(folder.file(), folder.file('backup.db'));
  {
    await using store = await openStore(folder.file());
    await says(store, 'late', NO_CURSOR);
    have = (await holds(store, 'late')).cursor;
    t.not(have.epoch, '');
  }
  await using store = await openStore(folder.file('backup.db'));
  await store.desk.recover();
  const ask = { v: 1, host: 'late', have, from: have } as const;
  t.is(((await t.throwsAsync(store.logs.page(ask, AMPLE_BYTES))) as Declined).code, 'NOT_READY');
  await says(store, 'late', have);
  t.is(await standingOf(store, 'late', have), 'unknown', 'of a history that nobody had heard of when it was said');
  await store.desk.recover();
  const page = await store.logs.page({ ...ask, from: NO_CURSOR }, AMPLE_BYTES);
  t.deepEqual([page.standing, page.changes.map(({ op }) => op)], ['superseded', ['put']]);
});

test('forget: one that speaks is refused; one that is silent, or is meant all the same, is gone from all lists', async (t) => {
  using folder = new Folder();
  let nowMs = 1_000_000;
  await using store = await openStore(folder.file(), () => nowMs);
  await apply(store, spec('web', 1, SELECTED), spec('named', 2, { hosts: ['b'] }));
  for (const host of ['a', 'b']) await says(store, host, NO_CURSOR, nowMs);
  nowMs += 20_000;
  const refused = (await t.throwsAsync(store.desk.forget({ v: 1, host: 'a' }))) as Declined;
  t.is(refused.code, 'HOST_SPEAKS');
  t.regex(refused.message, /^a was heard 20 s ago: stop its agent first, or forget it all the same with --force$/);
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
