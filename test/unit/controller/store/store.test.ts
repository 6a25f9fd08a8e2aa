import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, renameSync, rmSync } from 'node:fs';
import test from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { Declined } from '../../../../controller/model/declined.ts';
import type { Desk } from '../../../../controller/ports.ts';
import { EMPTY_DIGEST } from '../../../../protocol/digest.ts';
import { MAX_ITEM_HOSTS } from '../../../../protocol/listings.ts';
import { AMPLE_BYTES, apply, Folder, openStore, Replica, report, type Store, spec, status } from '../fleet.ts';

async function holds(store: Store, host: string): Promise<Replica> {
  const replica = new Replica(host);
  await replica.sync(store.logs);
  return replica;
}

test('log: revs grow with every change and only with changes', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  t.like(await apply(store, spec('a', 1), spec('b', 2)), { created: 2, changed: 0, unchanged: 0, hosts: 1, rev: 2 });
  t.like(await apply(store, spec('a', 1), spec('b', 2)), { created: 0, changed: 0, unchanged: 2, hosts: 0, rev: 2 });
  t.like(await apply(store, spec('a', 1, { to: 'drop' })), { changed: 1, hosts: 1, rev: 3 });
  t.like(await apply(store, spec('a', 1, { to: 'drop', priority: 5 })), { changed: 1, hosts: 0, rev: 3 });
});

test('log: the head has the digest of the whole set, whatever came and went', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1), spec('b', 2), spec('c', 3));
  await apply(store, spec('b', 4), spec('c', 3, { enabled: false }));
  const replica = await holds(store, 'edge-1');
  t.deepEqual(
    [...replica.intents.values()].map(({ name, rev }) => [name, rev]),
    [
      ['a', 1],
      ['b', 5],
    ],
  );
  t.is(replica.digest, replica.head.digest);
  await store.desk.delete(['a', 'b', 'c']);
  t.is((await holds(store, 'edge-1')).head.digest, EMPTY_DIGEST);
});

test('log: a delete of what is not there is done already', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1));
  t.like(await store.desk.delete(['a', 'never', 'a']), { deleted: ['a'], absent: ['never'], hosts: 1, rev: 2 });
  t.like(await store.desk.delete(['a']), { deleted: [], absent: ['a'], hosts: 0, rev: 2 });
});

test('log: a shadowed spec takes over when the winner goes', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await report(store, 'edge-1');
  await apply(store, spec('wide', 1, { hosts: 'all' }), spec('narrow', 1));
  const listed = await store.desk.get({ v: 1, name: 'wide' }, AMPLE_BYTES);
  t.deepEqual(listed.items[0]?.shadowed, [{ host: 'edge-1', by: 'narrow' }]);
  t.deepEqual(listed.items[0]?.hosts, []);
  const before = await holds(store, 'edge-1');
  t.deepEqual(
    [...before.intents.values()].map(({ name }) => name),
    ['narrow'],
  );
  await store.desk.delete(['narrow']);
  const after = await holds(store, 'edge-1');
  t.deepEqual(
    [...after.intents.values()].map(({ name, rev }) => [name, rev]),
    [['wide', 2]],
  );
  t.is(after.digest, after.head.digest);
});

test('log: a spec that changes its match leaves its old key', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1));
  await apply(store, spec('a', 2));
  const replica = await holds(store, 'edge-1');
  t.deepEqual([...replica.intents.keys()], ['v4 udp 0.0.0.0/0:* > 10.0.0.2/32:443']);
});

test('log: a spec that changes its selector leaves the hosts that it had', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1, { hosts: ['edge-1', 'edge-2'] }));
  t.like(await apply(store, spec('a', 1, { hosts: ['edge-2', 'edge-3'] })), { hosts: 2, rev: 4 });
  const sizes = [];
  for (const host of ['edge-1', 'edge-2', 'edge-3']) sizes.push((await holds(store, host)).intents.size);
  t.deepEqual(sizes, [0, 1, 1]);
});

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

test('apply: one bad spec among good ones, and nothing changes', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await store.desk.stage({ v: 1, upload: 'u', part: 0, parts: 2, specs: [spec('a', 1)] });
  const bad = { ...spec('b', 2), match: { dst: '10.0.0.1/8' } };
  const last = { v: 1 as const, upload: 'u', part: 1, parts: 2, specs: [bad, spec('a', 3)] };
  const refused = await t.throwsAsync(store.desk.apply(last), { instanceOf: Declined });
  t.deepEqual(
    (refused as Declined).problems.map(({ index, name, code, path }) => ({ index, name, code, path })),
    [
      { index: 1, name: 'b', code: 'BAD_PREFIX', path: 'match.dst' },
      { index: 2, name: 'a', code: 'DUPLICATE_NAME', path: 'name' },
    ],
  );
  t.deepEqual((await store.desk.get({ v: 1 }, AMPLE_BYTES)).items, []);
  t.is((await store.logs.movedAfter(0)).rev, 0);
});

test('apply: a part that never came refuses the whole', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await store.desk.stage({ v: 1, upload: 'u', part: 0, parts: 3, specs: [spec('a', 1)] });
  const last = { v: 1 as const, upload: 'u', part: 2, parts: 3, specs: [spec('c', 3)] };
  t.is(((await t.throwsAsync(store.desk.apply(last))) as Declined).code, 'UPLOAD_LOST');
  t.deepEqual((await store.desk.get({ v: 1 }, AMPLE_BYTES)).items, []);
});

test('apply: too many parts, or too many uploads at once, are refused', async (t) => {
  using folder = new Folder();
  let now = 0;
  await using store = await openStore(folder.file(), () => now);
  const stage = (upload: string, parts = 2) => store.desk.stage({ v: 1, upload, part: 0, parts, specs: [] });
  t.is(((await t.throwsAsync(stage('big', 1000))) as Declined).code, 'TOO_MANY');
  for (let upload = 0; upload < 16; upload += 1) await stage(`u${upload}`);
  t.is(((await t.throwsAsync(stage('one-more'))) as Declined).code, 'BUSY');
  await t.notThrowsAsync(stage('u3'));
  now += 11 * 60_000;
  await t.notThrowsAsync(stage('one-more'));
});

test('epoch: the first change after each start opens one, and only a change', async (t) => {
  using folder = new Folder();
  const epochs: string[] = [];
  for (let start = 0; start < 3; start += 1) {
    await using store = await openStore(folder.file());
    epochs.push((await holds(store, 'edge-1')).head.epoch);
    await store.desk.delete(['nothing']);
    await report(store, 'edge-1');
    epochs.push((await holds(store, 'edge-1')).head.epoch);
    await apply(store, spec(`a${start}`, start));
    await apply(store, spec(`b${start}`, 10 + start));
    epochs.push((await holds(store, 'edge-1')).head.epoch);
  }
  const [fresh, , first, , , second, , , third] = epochs;
  t.deepEqual(epochs, [fresh, fresh, first, first, first, second, second, second, third]);
  t.is(new Set(epochs).size, 4);
  t.is(new Set(epochs.map((epoch) => epoch?.split('.')[0])).size, 1);
});

test('epoch: an update names the end of the one before', async (t) => {
  using folder = new Folder();
  let before = '';
  {
    await using store = await openStore(folder.file());
    await apply(store, spec('a', 1), spec('b', 2));
    before = (await holds(store, 'edge-1')).head.epoch;
  }
  await using store = await openStore(folder.file());
  await apply(store, spec('c', 3));
  t.like(await store.logs.update('edge-1', 2, AMPLE_BYTES), { after: { epoch: before, rev: 2 }, prev: 2, rev: 3 });
});

test('epoch: of two controllers on one database each opens one, and changes belong to the newest', async (t) => {
  using folder = new Folder();
  await using one = await openStore(folder.file());
  await using two = await openStore(folder.file());
  await apply(one, spec('a', 1));
  await apply(two, spec('b', 2));
  await apply(one, spec('c', 3));
  const [fromOne, fromTwo] = [await holds(one, 'edge-1'), await holds(two, 'edge-1')];
  t.deepEqual(fromOne.cursor, fromTwo.cursor);
  t.is(fromOne.cursor.rev, 3);
  t.deepEqual(
    [...fromOne.intents.values()].map(({ rev }) => rev),
    [1, 2, 3],
  );
});

test('standing: ok within the log, lost past it, unknown outside, superseded when marked', async (t) => {
  using folder = new Folder();
  let old = '';
  {
    await using store = await openStore(folder.file());
    await apply(store, spec('a', 1), spec('b', 2));
    old = (await holds(store, 'edge-1')).head.epoch;
  }
  await using store = await openStore(folder.file());
  await apply(store, spec('c', 3));
  const { epoch } = (await holds(store, 'edge-1')).head;
  const ask = async (have: { epoch: string; rev: number }) =>
    store.logs.page({ v: 1, host: 'edge-1', have, from: have }, AMPLE_BYTES);
  t.like(await ask({ epoch: '', rev: 0 }), { standing: 'ok', rev: 3 });
  t.like(await ask({ epoch: old, rev: 2 }), { standing: 'ok', prev: 2, rev: 3, head: 3 });
  t.like(await ask({ epoch, rev: 2 }), { standing: 'ok', prev: 2, rev: 3 });
  t.like(await ask({ epoch, rev: 3 }), { standing: 'ok', changes: [], more: false, rev: 3 });
  t.like(await ask({ epoch: old, rev: 3 }), { standing: 'lost', changes: [], more: false, digest: EMPTY_DIGEST });
  t.like(await ask({ epoch, rev: 4 }), { standing: 'lost', changes: [], more: false });
  t.like(await ask({ epoch: 'other.1', rev: 1 }), { standing: 'unknown', changes: [], more: false });
  mark(folder.file(), old);
  t.like(await ask({ epoch: old, rev: 2 }), { standing: 'superseded', changes: [], more: false });
  t.like(await ask({ epoch: old, rev: 3 }), { standing: 'superseded' });
  const again = await store.logs.page(
    { v: 1, host: 'edge-1', have: { epoch: old, rev: 2 }, from: { epoch: '', rev: 0 } },
    AMPLE_BYTES,
  );
  t.is(again.changes.length, 3);
  t.is((await store.logs.update('edge-1', 2, AMPLE_BYTES))?.after, null);
});

function mark(path: string, epoch: string): void {
  const database = new BetterSqlite3(path);
  database.prepare('update epochs set superseded = 1 where epoch = ?').run(epoch);
  database.close();
}

test('standing: a place that is not in the log is refused though the claim is', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1), spec('b', 2, { hosts: ['edge-2'] }));
  const { epoch } = (await holds(store, 'edge-1')).head;
  for (const from of [
    { epoch: 'other.1', rev: 1 },
    { epoch, rev: 2 },
  ]) {
    const asked = store.logs.page({ v: 1, host: 'edge-1', have: { epoch, rev: 1 }, from }, AMPLE_BYTES);
    t.is(((await t.throwsAsync(asked)) as Declined).code, 'BAD_REQUEST');
  }
});

test('update: what does not fit goes as a hint, and so does what is past the floor', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1), spec('b', 2));
  t.like(await store.logs.update('edge-1', 0, 200), { changes: [], prev: 2, rev: 2 });
  t.is((await store.logs.update('edge-1', 0, AMPLE_BYTES))?.changes.length, 2);
  t.is(await store.logs.update('edge-1', 2, AMPLE_BYTES), undefined);
  t.is(await store.logs.update('elsewhere', 0, AMPLE_BYTES), undefined);
});

test('update: deletes are in it', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1), spec('b', 2));
  await store.desk.delete(['a']);
  const update = await store.logs.update('edge-1', 0, AMPLE_BYTES);
  t.deepEqual(
    update?.changes.map(({ op, rev }) => [op, rev]),
    [
      ['put', 2],
      ['delete', 3],
    ],
  );
});

test('tidy: tombstones go when the host is past them or after a day, and the floor says so', async (t) => {
  using folder = new Folder();
  let now = 1_000_000_000;
  await using store = await openStore(folder.file(), () => now);
  await apply(store, spec('a', 1), spec('b', 2), spec('c', 3));
  await store.desk.delete(['a']);
  const { epoch } = (await holds(store, 'edge-1')).head;
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
  t.like(await store.logs.update('edge-1', 3, AMPLE_BYTES), { prev: 5, rev: 6 });
});

test('get: pages by name, and says where each stands', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, ...['a', 'b', 'c', 'd', 'e'].map((name, index) => spec(name, index)));
  const names: unknown[] = [];
  let after: string | null = '';
  while (after !== null) {
    const reply: Awaited<ReturnType<Desk['get']>> = await store.desk.get(
      { v: 1, limit: 2, ...(after && { after }) },
      AMPLE_BYTES,
    );
    names.push(reply.items.map((item) => item.spec.name));
    after = reply.next;
  }
  t.deepEqual(names, [['a', 'b'], ['c', 'd'], ['e']]);
  const small = await store.desk.get({ v: 1 }, 600);
  t.true(small.items.length > 0 && small.items.length < 5);
  t.is(small.next, small.items.at(-1)?.spec.name as string);
  t.like((await store.desk.get({ v: 1, name: 'c' }, AMPLE_BYTES)).items, [{ hosts: ['edge-1'], shadowed: [], rev: 3 }]);
  t.deepEqual(await store.desk.get({ v: 1, name: 'nobody' }, AMPLE_BYTES), { v: 1, items: [], next: null });
  t.is(((await t.throwsAsync(store.desk.get({ v: 1 }, 10))) as Declined).code, 'TOO_LARGE');
});

test('get: of a redirect on a large fleet some hosts are named and all are counted', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const fleet = Array.from({ length: MAX_ITEM_HOSTS + 3 }, (_, at) => `edge-${String(at).padStart(4, '0')}`);
  await store.roster.report(fleet.map((host) => ({ status: status(host, { epoch: '', stored: 0 }), seenAtMs: 5 })));
  await apply(store, spec('wide', 1, { hosts: 'all' }), spec('narrow', 1, { hosts: ['edge-0000'] }));
  const [wide] = (await store.desk.get({ v: 1, name: 'wide' }, AMPLE_BYTES)).items;
  t.like(wide, { hostsTotal: MAX_ITEM_HOSTS + 2, shadowed: [{ host: 'edge-0000', by: 'narrow' }], shadowedTotal: 1 });
  t.deepEqual(wide?.hosts, fleet.slice(1, MAX_ITEM_HOSTS + 1));
});

test('apply: what finds nobody is said, of what it created or changed', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await report(store, 'edge-1', { role: 'edge' });
  const typo = spec('typo', 2, { hosts: { role: 'egde' } });
  const said = await apply(
    store,
    spec('right', 1, { hosts: { role: 'edge' } }),
    typo,
    spec('new', 3, { hosts: ['edge-9'] }),
  );
  t.like(said, { unmatched: ['typo', 'new'], unmatchedTotal: 2, unheard: ['edge-9'], unheardTotal: 1 });
  t.false('unmatched' in (await apply(store, spec('right', 1, { hosts: ['edge-1'] }), typo)));
});

test('hosts: what is wrong there', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const wrong = status('edge-1', { problem: 'ADOPTING', bypass: true, epoch: '', stored: 0 });
  const { problem: _, undelivered: __, ...right } = status('edge-2', { epoch: '', stored: 0 });
  await store.roster.report([wrong, right].map((said) => ({ status: said, seenAtMs: 5 })));
  const [first, second] = (await store.desk.hosts({ v: 1 }, AMPLE_BYTES)).items;
  t.like(first, { problem: 'ADOPTING', bypass: true, undelivered: 1 });
  for (const field of ['problem', 'bypass', 'undelivered']) t.false(field in (second ?? {}));
});

test('hosts: those that reported and those that specs name, with their standing', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1, { hosts: ['edge-1', 'edge-2'] }));
  await report(store, 'edge-2', { role: 'edge' });
  await store.roster.report([{ status: status('edge-3', { epoch: 'other.1', stored: 9 }), seenAtMs: 5 }]);
  const { items } = await store.desk.hosts({ v: 1 }, AMPLE_BYTES);
  t.deepEqual(
    items.map(({ host, seenAt, head, standing }) => [host, seenAt === null, head, standing]),
    [
      ['edge-1', true, 1, 'ok'],
      ['edge-2', false, 2, 'ok'],
      ['edge-3', false, 0, 'unknown'],
    ],
  );
});

test('database: one that another program made, or a newer release, is refused and left alone', async (t) => {
  using folder = new Folder();
  const foreign = new BetterSqlite3(folder.file('foreign.db'));
  foreign.exec('create table mine (x)');
  foreign.close();
  await t.throwsAsync(openStore(folder.file('foreign.db')), { code: 'FOREIGN' });
  {
    await using _store = await openStore(folder.file());
  }
  const newer = new BetterSqlite3(folder.file());
  newer.exec(`insert into kysely_migration values ('0099_later', '2027-01-01')`);
  newer.close();
  await t.throwsAsync(openStore(folder.file()), { code: 'NEWER', message: /0099_later/ });
  await t.throwsAsync(openStore(folder.file('absent/controller.db')), { code: 'UNUSABLE' });
});

test('database: an unfinished write leaves nothing', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const broken = [spec('a', 1), { name: 'b' }];
  await t.throwsAsync(apply(store, ...broken));
  t.like(await apply(store, spec('c', 3)), { rev: 1 });
  t.like(await holds(store, 'edge-1'), { cursor: { rev: 1 } });
});

test('database: a file that is replaced ends the controller', async (t) => {
  using folder = new Folder();
  const errors: Error[] = [];
  await using store = await openStore(folder.file(), Date.now, (error) => errors.push(error));
  await apply(store, spec('a', 1));
  copyFileSync(folder.file(), folder.file('copy'));
  renameSync(folder.file('copy'), folder.file());
  await t.throwsAsync(apply(store, spec('b', 2)), { code: 'REPLACED' });
  await t.throwsAsync(store.logs.movedAfter(0), { code: 'REPLACED' });
  t.is(errors.length, 1);
  rmSync(folder.file());
  await t.throwsAsync(store.logs.movedAfter(0), { code: 'REPLACED', message: /removed/ });
});

test('database: a backup that is copied over the file, and its log removed, ends the controller', async (t) => {
  using folder = new Folder();
  const errors: Error[] = [];
  await using store = await openStore(folder.file(), Date.now, (error) => errors.push(error));
  await apply(store, spec('a', 1));
  const copier = new BetterSqlite3(folder.file());
  await copier.backup(folder.file('backup'));
  copier.close();
  await apply(store, spec('b', 2));
  copyFileSync(folder.file('backup'), folder.file());
  for (const suffix of ['-wal', '-shm']) rmSync(folder.file() + suffix);
  await t.throwsAsync(apply(store, spec('c', 3)), { code: 'REPLACED', message: /-wal was removed/ });
  t.is(errors.length, 1);
});

test('database: a history that was set back and went on from there ends the controller, too', async (t) => {
  using folder = new Folder();
  const errors: Error[] = [];
  await using store = await openStore(folder.file(), Date.now, (error) => errors.push(error));
  await apply(store, spec('a', 1), spec('b', 2));
  const other = new BetterSqlite3(folder.file());
  other.exec(`insert into epochs (epoch, ordinal, first_rev, superseded) values ('x.1', 9, 2, 0);
    update meta set last_rev = 20`);
  other.close();
  await t.throwsAsync(store.logs.movedAfter(0), { code: 'REPLACED', message: /backup/ });
});

test('database: a history that is set back under the controller ends it', async (t) => {
  using folder = new Folder();
  const errors: Error[] = [];
  await using store = await openStore(folder.file(), Date.now, (error) => errors.push(error));
  await apply(store, spec('a', 1), spec('b', 2));
  const other = new BetterSqlite3(folder.file());
  other.exec('delete from epochs where ordinal > 1; update meta set last_rev = 0');
  other.close();
  await t.throwsAsync(store.logs.movedAfter(0), { code: 'REPLACED', message: /backup/ });
  t.is(errors.length, 1);
});

test('database: two that make it at once make one', async (t) => {
  using folder = new Folder();
  const [one, two] = await Promise.all([openStore(folder.file()), openStore(folder.file())]);
  await using _ = one;
  await using __ = two;
  t.is((await holds(one, 'edge-1')).head.epoch, (await holds(two, 'edge-1')).head.epoch);
});

test('database: a write waits while another process holds the lock', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const other = new BetterSqlite3(folder.file());
  other.exec('begin immediate');
  const applied = apply(store, spec('a', 1));
  t.is((await holds(store, 'edge-1')).intents.size, 0);
  other.exec('commit');
  t.like(await applied, { rev: 1 });
  other.close();
});

test('crash: after kill -9 the log is whole, and no rev is given twice', async (t) => {
  using folder = new Folder();
  let last = 0;
  for (let round = 0; round < 4; round += 1) {
    const child = spawn(
      process.execPath,
      [new URL('applier.ts', import.meta.url).pathname, folder.file(), String(round)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.split('\n').length > 4 + round) child.kill('SIGKILL');
    });
    await once(child, 'close');
    const acknowledged = said.split('\n').slice(0, -1).map(Number);
    t.true((acknowledged[0] ?? 0) > last, 'a rev was given twice');
    await using store = await openStore(folder.file());
    const replica = await holds(store, 'edge-1');
    last = replica.cursor.rev;
    t.true(last >= (acknowledged.at(-1) ?? 0), 'an acknowledged change was lost');
    t.is(replica.digest, replica.head.digest);
    t.is(new Set([...replica.intents.values()].map(({ rev }) => rev)).size, replica.intents.size);
  }
});
