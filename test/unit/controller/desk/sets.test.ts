import test from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { Declined } from '../../../../controller/model/declined.ts';
import { SqliteDatabase } from '../../../../controller/store/sqlite/database.ts';
import { makeSystemClock } from '../../../../daemon/clock.ts';
import { controllerMigrations } from '../../../../migrations/controller/index.ts';
import type { ApplyReply, ApplyRequest } from '../../../../protocol/api.ts';
import type { NamesRequest } from '../../../../protocol/names.ts';
import { AMPLE_BYTES, apply, Folder, holds, openStore, type Store, spec } from '../fleet.ts';

type Given = Pick<ApplyRequest, 'set' | 'prune'>;

function applyTo(store: Pick<Store, 'desk'>, given: Given, ...specs: readonly object[]): Promise<ApplyReply> {
  return store.desk.apply({ v: 1, upload: 'test', part: 0, parts: 1, specs, ...given });
}

async function names(store: Pick<Store, 'desk'>, more: Partial<NamesRequest> = {}, budgetBytes = AMPLE_BYTES) {
  const found: string[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const request = { v: 1 as const, ...more, ...(after !== undefined && { after }) };
    const { items, next } = await store.desk.names(request, budgetBytes);
    found.push(...items.map(({ name, set }) => (set === undefined ? name : `${name}@${set}`)));
    after = next;
  }
  return found;
}

async function refusal(doing: Promise<unknown>): Promise<string> {
  const error = await doing.then(
    () => undefined,
    (failed: unknown) => failed,
  );
  return error instanceof Declined ? `${error.code}: ${error.message}` : String(error);
}

test('sets: what is applied with one is in it, and what leaves another is said', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const first = await applyTo(store, { set: 'web' }, spec('a', 1), spec('b', 2));
  t.deepEqual(first.set, { name: 'web', joined: 2 });
  await apply(store, spec('c', 3));
  const second = await applyTo(store, { set: 'db' }, spec('a', 1), spec('c', 3, { priority: 7 }));
  t.like(second, { created: 0, changed: 1, unchanged: 1 });
  t.deepEqual(second.set, { name: 'db', joined: 2, moved: [{ name: 'a', from: 'web' }], movedTotal: 1 });
  t.deepEqual(await names(store), ['a@db', 'b@web', 'c@db']);
  await apply(store, spec('a', 9));
  t.deepEqual(await names(store, { set: 'db' }), ['a@db', 'c@db']);
  t.deepEqual((await applyTo(store, { set: 'db' }, spec('a', 9))).set, { name: 'db', joined: 0 });
});

test('sets: get names the set of each, and lists one set alone', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await applyTo(store, { set: 'web' }, spec('a', 1), spec('b', 2, { hosts: { role: 'edge' } }));
  await apply(store, spec('c', 3, { hosts: { role: 'edge' } }));
  const listed = async (more: object) =>
    (await store.desk.get({ v: 1, ...more }, AMPLE_BYTES)).items.map((item) => [item.spec.name, item.set]);
  t.deepEqual(await listed({}), [
    ['a', 'web'],
    ['b', 'web'],
    ['c', undefined],
  ]);
  t.deepEqual(await listed({ name: 'b' }), [['b', 'web']]);
  t.deepEqual(await listed({ set: 'web', limit: 1, after: 'a' }), [['b', 'web']]);
  t.deepEqual(await listed({ labels: { role: 'edge' } }), [
    ['b', 'web'],
    ['c', undefined],
  ]);
  t.deepEqual(await listed({ labels: { role: 'edge' }, set: 'web' }), [['b', 'web']]);
  t.deepEqual(await listed({ set: 'nosuch' }), []);
  t.deepEqual(await listed({ labels: { role: 'edg' } }), []);
});

test('sets: names are found by set, labels and beginning, in pages of any size', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const some = ['a', 'ab', 'abc', 'b', 'ba'].map((name, at) => spec(name, at, { hosts: { role: 'edge', zone: '1' } }));
  await applyTo(store, { set: 'web' }, ...some);
  await apply(store, spec('abd', 8), spec('c', 9, { hosts: 'all' }));
  t.deepEqual(await names(store, { prefix: 'ab' }), ['ab@web', 'abc@web', 'abd']);
  t.deepEqual(await names(store, { prefix: 'ab', set: 'web', limit: 1 }), ['ab@web', 'abc@web']);
  t.deepEqual(await names(store, { labels: { role: 'edge', zone: '1' }, limit: 2 }), [
    'a@web',
    'ab@web',
    'abc@web',
    'b@web',
    'ba@web',
  ]);
  t.deepEqual(await names(store, { labels: { role: 'edge' } }), []);
  t.deepEqual(await names(store, {}, 80), ['a@web', 'ab@web', 'abc@web', 'abd', 'b@web', 'ba@web', 'c']);
  await applyTo(store, { set: 'db' }, spec('c', 9, { hosts: 'all' }));
  t.deepEqual(await names(store, { sets: true }), ['db', 'web']);
  await store.desk.delete(['c']);
  t.deepEqual(await names(store, { sets: true }), ['web']);
});

test('sets: what is deleted leaves its set, and comes back to none', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await applyTo(store, { set: 'web' }, spec('a', 1));
  await store.desk.delete(['a']);
  await apply(store, spec('a', 1));
  t.deepEqual(await names(store), ['a']);
});

test('sets: pruning deletes what the set has beside the upload, in the same change', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await applyTo(store, { set: 'web' }, spec('a', 1), spec('b', 2), spec('c', 3));
  await applyTo(store, { set: 'db' }, spec('d', 4));
  const done = await applyTo(store, { set: 'web', prune: ['b', 'c'] }, spec('a', 5));
  t.like(done, { changed: 1, deleted: 2, hosts: 1 });
  t.deepEqual(await names(store), ['a@web', 'd@db']);
  t.deepEqual([...(await holds(store, 'edge-1')).intents.values()].map(({ name }) => name).sort(), ['a', 'd']);
  t.like(await applyTo(store, { set: 'web', prune: [] }, spec('a', 5)), { unchanged: 1, deleted: 0 });
});

test('sets: pruning what was not looked at, or all of it, is refused and nothing is changed', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await applyTo(store, { set: 'web' }, spec('a', 1), spec('b', 2), spec('c', 3), spec('d', 4), spec('e', 5));
  await apply(store, spec('other', 6));
  const wrong: readonly (readonly [prune: readonly string[], why: RegExp])[] = [
    [['b', 'c', 'd'], /^SET_CHANGED: the set web has e since it was looked at; nothing was changed/],
    [[], /has b, c, d, … \(4\) since/],
    [['b', 'c', 'd', 'e', 'other'], /has no more other since/],
    [['b', 'c', 'd', 'e', 'a'], /has no more a since/],
    [['b', 'c', 'd', 'gone'], /has e, and has no more gone since/],
  ];
  for (const [prune, why] of wrong) t.regex(await refusal(applyTo(store, { set: 'web', prune }, spec('a', 7))), why);
  const nothing = await refusal(applyTo(store, { set: 'web', prune: ['a', 'b', 'c', 'd', 'e'] }));
  t.regex(nothing, /^BAD_REQUEST: nothing is applied, so all of the set web would go/);
  t.is((await names(store, { set: 'web' })).length, 5);
  t.is((await store.logs.movedAfter(0)).rev, 6);
});

test('sets: a plan says who would come, and changes nothing', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await applyTo(store, { set: 'web' }, spec('a', 1));
  const request = { v: 1 as const, upload: 'p', part: 0, parts: 1, specs: [spec('a', 1), spec('b', 2)], set: 'db' };
  const { set } = await store.desk.plan(request, AMPLE_BYTES);
  t.deepEqual(set, { name: 'db', joined: 2, moved: [{ name: 'a', from: 'web' }], movedTotal: 1 });
  t.deepEqual(await names(store), ['a@web']);
});

test('sets: a release before goes on with the database: what it changes stays, what it deletes leaves', async (t) => {
  using folder = new Folder();
  {
    await using store = await openStore(folder.file());
    await applyTo(store, { set: 'web' }, spec('a', 1), spec('b', 2), spec('c', 3));
  }
  const older = new BetterSqlite3(folder.file());
  older.exec(`update specs set checksum = '' where name = 'b'; delete from specs where name = 'b'`);
  older.exec("update meta set specs_sum = null; update specs set checksum = null, priority = 0 where name = 'c'");
  older.close();
  await using store = await openStore(folder.file());
  t.deepEqual(await names(store), ['a@web', 'c@web']);
  await apply(store, spec('b', 2));
  t.deepEqual(await names(store), ['a@web', 'b', 'c@web']);
});

test('sets: what a release deleted that knows no checksums is in no set when it comes back', async (t) => {
  using folder = new Folder();
  {
    await using store = await openStore(folder.file());
    await applyTo(store, { set: 'web' }, spec('a', 1), spec('b', 2));
  }
  const older = new BetterSqlite3(folder.file());
  older.exec("delete from specs where name = 'b'");
  older.close();
  await using store = await openStore(folder.file());
  await apply(store, spec('b', 2));
  t.deepEqual(await names(store), ['a@web', 'b']);
});

test('sets: a database of the release before gets them', async (t) => {
  using folder = new Folder();
  const before = Object.entries(controllerMigrations.additions).filter(([name]) => name < '0006_sets');
  const additions = Object.fromEntries(before);
  const clock = makeSystemClock();
  const migrations = { ...controllerMigrations, additions };
  await (await SqliteDatabase.open(folder.file(), { migrations, clock }))[Symbol.asyncDispose]();
  await using store = await openStore(folder.file());
  await applyTo(store, { set: 'web' }, spec('a', 1));
  t.deepEqual(await names(store), ['a@web']);
});

test('sets: nothing is taken to be in a set by a row that does not prove it', async (t) => {
  using folder = new Folder();
  {
    await using store = await openStore(folder.file());
    await applyTo(store, { set: 'web' }, spec('a', 1), spec('b', 2));
  }
  const damaged = new BetterSqlite3(folder.file());
  damaged.exec("update sets set set_name = 'wec' where name = 'b'");
  damaged.close();
  await using store = await openStore(folder.file());
  t.deepEqual(await names(store), ['a@web', 'b']);
  t.deepEqual((await store.desk.get({ v: 1, set: 'wec' }, AMPLE_BYTES)).items, []);
  t.like(await applyTo(store, { set: 'web', prune: [] }, spec('a', 1)), { deleted: 0 });
  t.like(await applyTo(store, { set: 'web' }, spec('b', 2)), { set: { joined: 1 } });
  t.deepEqual(await names(store), ['a@web', 'b@web']);
});

test('sets: what redirects are in outlives that their rows are written anew', async (t) => {
  using folder = new Folder();
  {
    await using store = await openStore(folder.file());
    await applyTo(store, { set: 'web' }, spec('a', 1), spec('b', 2));
  }
  const damaged = new BetterSqlite3(folder.file());
  damaged.exec("update specs set priority = 9 where name = 'b'");
  damaged.close();
  await using store = await openStore(folder.file());
  t.deepEqual(await names(store), ['a@web', 'b@web']);
});
