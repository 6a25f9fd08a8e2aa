import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import test from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import type { HostsReply } from '../../../../protocol/listings.ts';
import { flipBit } from '../../../faults/inject.ts';
import { AMPLE_BYTES, apply, Folder, holds, openStore, report, type Store, spec } from '../fleet.ts';

/** Makes a database of two redirects on a host; a statement then damages it while nobody has it open. */
async function damaged(path: string, sql: string, ...more: readonly object[]): Promise<void> {
  {
    await using store = await openStore(path);
    await report(store, 'edge-1');
    await apply(store, spec('a', 1), spec('b', 2), ...more);
  }
  damage(path, sql);
}

function damage(path: string, sql: string): void {
  const database = new BetterSqlite3(path);
  database.exec(sql);
  database.close();
}

/** A row of `specs` is not there any more, and nobody took it out. */
const lose = (name: string): string =>
  `update specs set checksum = '' where name = '${name}'; delete from specs where name = '${name}'`;

/** What stands on the host, when the controller has looked after its logs. */
async function standing(store: Store): Promise<readonly string[]> {
  await store.roster.reconcile(AbortSignal.any([]));
  const { intents, digest, head } = await holds(store, 'edge-1');
  if (digest !== head.digest) throw new Error('the log does not prove itself');
  return [...intents.values()].map(({ name, to, rev }) => `${name} ${JSON.stringify(to)} ${rev}`).sort();
}

async function damageOf(store: Store): Promise<HostsReply['damage']> {
  return (await store.desk.hosts({ v: 1 }, AMPLE_BYTES)).damage;
}

const AB = ['a {"nexthop":"192.0.2.7"} 1', 'b {"nexthop":"192.0.2.7"} 2'];

const MENDED: Readonly<Record<string, string>> = {
  'another next hop in the body of a spec': `update specs set body = replace(body, '192.0.2.7', '192.0.2.5') where name = 'a'`,
  'another key of a spec': `update specs set key = replace(key, '10.0.0.1', '10.0.0.3') where name = 'a'`,
  'a spec under another name': `update specs set name = 'c' where name = 'a'`,
  'a spec that is disabled': `update specs set enabled = 0 where name = 'a'`,
  'a spec with another checksum': `update specs set checksum = 'f' || substr(checksum, 2) where name = 'a'`,
  'another next hop in a change': `update changes set body = replace(body, '192.0.2.7', '192.0.2.5') where name = 'a'`,
  'a change of another name': `update changes set name = 'c' where name = 'a'`,
  'a change that is a delete': `update changes set op = 'delete' where name = 'a'`,
  'another sum': `update meta set specs_sum = 'f' || substr(specs_sum, 2)`,
  'another count': 'update meta set specs_rows = 7',
};

for (const [title, sql] of Object.entries(MENDED)) {
  test(`damage: ${title} is put right, and nothing on hosts is touched`, async (t) => {
    using folder = new Folder();
    await damaged(folder.file(), sql);
    await using store = await openStore(folder.file());
    t.deepEqual(await standing(store), AB);
    t.is(await damageOf(store), undefined);
    t.like(await apply(store, spec('a', 1)), { unchanged: 1, rev: 2 });
  });
}

const MADE_ANEW: Readonly<Record<string, string>> = {
  'a change with another rev': `update changes set rev = 1 where name = 'b'; update changes set rev = 2 where name = 'a'`,
  'a change of another key': `update changes set key = replace(key, '10.0.0.1', '10.0.0.3') where name = 'a'`,
  'a change that is gone': `delete from changes where name = 'a'`,
  'a head with another digest': `update heads set digest = 'f' || substr(digest, 2)`,
  'a head that is gone': 'delete from heads',
  'a head of another host': `update heads set host = 'edge-0'`,
  'a counter that is behind': 'update meta set last_rev = 0',
};

for (const [title, sql] of Object.entries(MADE_ANEW)) {
  test(`damage: ${title} is made anew, and a host that follows holds the same as before`, async (t) => {
    using folder = new Folder();
    await damaged(folder.file(), '');
    const replica = await (async () => {
      await using store = await openStore(folder.file());
      return holds(store, 'edge-1');
    })();
    damage(folder.file(), sql);
    await using store = await openStore(folder.file());
    const names = (await standing(store)).map((text) => text.split(' ')[0]);
    t.deepEqual(names, ['a', 'b']);
    t.is(await damageOf(store), undefined);
    const page = await store.logs.page(
      { v: 1, host: 'edge-1', have: replica.cursor, from: replica.cursor },
      AMPLE_BYTES,
    );
    t.is(page.standing, 'ok');
    if (page.floor > replica.cursor.rev) return;
    replica.lay(page.changes);
    t.is(replica.digest, page.digest);
    t.true((await apply(store, spec('c', 3))).rev > 2);
  });
}

test('damage: a spec that is gone is told, and goes nowhere before it is applied again', async (t) => {
  using folder = new Folder();
  await damaged(folder.file(), lose('a'));
  await using store = await openStore(folder.file());
  t.deepEqual(await standing(store), AB);
  const told = {
    code: 'SPECS_DAMAGED',
    missing: 1,
    nameless: 0,
    standing: [{ name: 'a', hosts: 1, gone: true }],
    standingTotal: 1,
  };
  t.deepEqual(await damageOf(store), told);
  await report(store, 'edge-1', { role: 'other' });
  t.like(await apply(store, spec('c', 3)), { created: 1 });
  t.deepEqual((await damageOf(store))?.standing, told.standing);
  t.is((await standing(store)).length, 3);
  t.like(await apply(store, spec('a', 1)), { created: 1, hosts: 0 });
  t.is(await damageOf(store), undefined);
  t.deepEqual((await standing(store)).slice(0, 2), AB);
});

test('damage: a spec that is gone goes from hosts when it is deleted by name, and no other with it', async (t) => {
  using folder = new Folder();
  await damaged(folder.file(), `${lose('a')}; ${lose('c')}`, spec('c', 3), spec('d', 3, { priority: -1 }));
  {
    await using store = await openStore(folder.file());
    t.like(await store.desk.delete(['a']), { deleted: ['a'], absent: [] });
    t.like(await damageOf(store), { missing: 1, standing: [{ name: 'c' }] });
    t.deepEqual(
      (await standing(store)).map((text) => text.split(' ')[0]),
      ['b', 'c'],
    );
  }
  await using store = await openStore(folder.file());
  t.like(await damageOf(store), { missing: 1, standing: [{ name: 'c' }] });
  await store.desk.delete(['c']);
  t.is(await damageOf(store), undefined);
  t.deepEqual(
    (await standing(store)).map((text) => text.split(' ')[0]),
    ['b', 'd'],
  );
});

test('damage: of a spec that is gone and stands nowhere the number is told, until it is applied or given up', async (t) => {
  using folder = new Folder();
  await damaged(
    folder.file(),
    `${lose('off')}; ${lose('none')}`,
    spec('off', 3, { enabled: false }),
    spec('none', 4, { enabled: false }),
  );
  await using store = await openStore(folder.file());
  t.like(await damageOf(store), { missing: 2, nameless: 2, standingTotal: 0 });
  await apply(store, spec('off', 3, { enabled: false }));
  t.like(await damageOf(store), { missing: 1, nameless: 1 });
  t.like(await store.desk.delete(['none']), { deleted: ['none'] });
  t.is(await damageOf(store), undefined);
  t.deepEqual(await standing(store), AB);
});

test('damage: a spec whose text is another one is taken for gone', async (t) => {
  using folder = new Folder();
  await damaged(folder.file(), `update specs set spec = replace(spec, '192.0.2.7', '192.0.2.5') where name = 'a'`);
  await using store = await openStore(folder.file());
  t.deepEqual(await standing(store), AB);
  t.like(await damageOf(store), { missing: 1, standing: [{ name: 'a', gone: true }] });
});

test('damage: a host whose row is not what was written keeps all that it has until it reports', async (t) => {
  using folder = new Folder();
  const path = folder.file();
  {
    await using store = await openStore(path);
    await report(store, 'edge-1', { role: 'edge' });
    await apply(store, spec('a', 1, { hosts: { role: 'edge' } }), spec('b', 2, { hosts: 'all' }));
  }
  damage(path, `update hosts set labels = '{"role":"core"}'`);
  {
    await using store = await openStore(path);
    t.deepEqual(await standing(store), AB);
    await report(store, 'edge-1', { role: 'edge' });
    t.deepEqual(await standing(store), AB);
    await report(store, 'edge-1', { role: 'core' });
    t.deepEqual(await standing(store), AB.slice(1));
  }
});

test('damage: one bit of an epoch is put back, and hosts stay in it', async (t) => {
  for (const sql of [
    'update epochs set first_rev = first_rev + 64 where ordinal = 2',
    'update epochs set superseded = 1 where ordinal = 2',
    `update epochs set epoch = substr(epoch, 1, 5) || 'z' || substr(epoch, 7) where ordinal = 2`,
    `update epochs set checksum = 'f' || substr(checksum, 2) where ordinal = 2`,
  ]) {
    using folder = new Folder();
    await damaged(folder.file(), '');
    const before = await (async () => {
      await using store = await openStore(folder.file());
      return holds(store, 'edge-1');
    })();
    damage(folder.file(), sql);
    await using store = await openStore(folder.file());
    const { cursor } = before;
    const page = await store.logs.page({ v: 1, host: 'edge-1', have: cursor, from: cursor }, AMPLE_BYTES);
    t.like(page, { standing: 'ok', changes: [], head: cursor.rev }, sql);
  }
});

const UNDER: Readonly<Record<string, (path: string) => void>> = {
  'is cut': (path) => truncateSync(path, 8192),
  'has its log emptied': (path) => truncateSync(`${path}-wal`, 0),
  'is overwritten': (path) => writeFileSync(path, Buffer.alloc(65_536), { flag: 'r+' }),
};

for (const [title, act] of Object.entries(UNDER)) {
  test(`damage: a database that ${title} under a running controller is noticed before the next answer`, async (t) => {
    using folder = new Folder();
    const errors: Error[] = [];
    await using store = await openStore(folder.file(), Date.now, (error) => errors.push(error));
    await apply(store, spec('a', 1));
    fold(folder.file(), title !== 'has its log emptied');
    await apply(store, spec('b', 2));
    act(folder.file());
    await t.throwsAsync(store.logs.movedAfter(0), { name: 'StoreError', message: /; / });
    t.is(errors.length, 1);
  });
}

/** Folds the log into the database, so that there is something in it. */
function fold(path: string, whole: boolean): void {
  const other = new BetterSqlite3(path);
  other.pragma(`wal_checkpoint(${whole ? 'truncate' : 'passive'})`);
  other.close();
}

test('damage: a bit that flips under a running controller is put right before the next answer', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1), spec('b', 2));
  fold(folder.file(), true);
  t.deepEqual(await standing(store), AB);
  fold(folder.file(), true);
  const text = readFileSync(folder.file()).toString('latin1');
  const at = text.lastIndexOf('192.0.2.7"}}{"name":"a"');
  t.true(at > 0);
  flipBit(folder.file(), at + 8, 1);
  t.deepEqual(await standing(store), AB);
  t.is(await damageOf(store), undefined);
});

/** As a release that knows no checksums writes: rows are replaced whole, and deleted. */
const OLDER = `
  begin immediate;
  replace into specs (name, key, hosts, enabled, priority, body, spec)
    select name, key, hosts, enabled, 9, body, replace(spec, '"priority":0', '"priority":9') from specs where name = 'a';
  replace into specs (name, key, hosts, enabled, priority, body, spec)
    select 'e', key, hosts, enabled, priority, body, replace(spec, '"name":"off"', '"name":"e"') from specs where name = 'off';
  delete from specs where name = 'off';
  replace into heads (host, rev, floor, digest) select host, rev, floor, digest from heads;
  replace into meta (id, database_id, last_rev) select id, database_id, last_rev from meta;
  commit`;

test('damage: what a release writes that knows no checksums is none, beside this one or before it', async (t) => {
  for (const beside of [true, false]) {
    using folder = new Folder();
    await damaged(folder.file(), beside ? '' : OLDER, spec('off', 3, { enabled: false }));
    await using store = await openStore(folder.file());
    if (beside) damage(folder.file(), OLDER);
    t.is(await damageOf(store), undefined);
    t.deepEqual(await standing(store), AB);
    const { items } = await store.desk.get({ v: 1 }, AMPLE_BYTES);
    t.deepEqual(
      items.map((item) => item.spec.name),
      ['a', 'b', 'e'],
    );
    t.like(await apply(store, spec('a', 1, { priority: 9 })), { unchanged: 1 });
  }
});
