import test from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import type { Declined } from '../../../../controller/model/declined.ts';
import { EMPTY_DIGEST } from '../../../../protocol/digest.ts';
import { AMPLE_BYTES, apply, Folder, holds, openStore, report, spec, updateOf } from '../fleet.ts';

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
  t.like(await updateOf(store.logs, 'edge-1', 2, AMPLE_BYTES), { after: { epoch: before, rev: 2 }, prev: 2, rev: 3 });
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
  await report(store, 'edge-1');
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
  t.is((await updateOf(store.logs, 'edge-1', 2, AMPLE_BYTES))?.after, null);
});

function mark(path: string, epoch: string): void {
  const database = new BetterSqlite3(path);
  database.prepare('update epochs set superseded = 1, checksum = null where epoch = ?').run(epoch);
  database.close();
}

test('standing: who claims to hold something is heard first, so that its labels count', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1, { hosts: { role: 'edge' } }));
  const { epoch } = (await holds(store, 'edge-1')).head;
  const ask = (have: { epoch: string; rev: number }, from = have) =>
    store.logs.page({ v: 1, host: 'edge-1', have, from }, AMPLE_BYTES);
  const claims = [
    { epoch, rev: 0 },
    { epoch, rev: 9 },
    { epoch: 'other.1', rev: 1 },
  ];
  for (const have of claims) {
    for (const from of [have, { epoch: '', rev: 0 }])
      t.is(((await t.throwsAsync(ask(have, from))) as Declined).code, 'NOT_READY');
  }
  await report(store, 'edge-1', { role: 'edge' });
  t.is((await ask({ epoch, rev: 0 })).changes.length, 1);
  t.like(await ask({ epoch: 'other.1', rev: 1 }), { standing: 'unknown' });
});

test('standing: a place that is not in the log is refused though the claim is', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1), spec('b', 2, { hosts: ['edge-2'] }));
  await report(store, 'edge-1');
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
  t.like(await updateOf(store.logs, 'edge-1', 0, 200), { changes: [], prev: 2, rev: 2 });
  t.is((await updateOf(store.logs, 'edge-1', 0, AMPLE_BYTES))?.changes.length, 2);
  t.is(await updateOf(store.logs, 'edge-1', 2, AMPLE_BYTES), undefined);
  t.is(await updateOf(store.logs, 'elsewhere', 0, AMPLE_BYTES), undefined);
});

test('update: deletes are in it', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1), spec('b', 2));
  await store.desk.delete(['a']);
  const update = await updateOf(store.logs, 'edge-1', 0, AMPLE_BYTES);
  t.deepEqual(
    update?.changes.map(({ op, rev }) => [op, rev]),
    [
      ['put', 2],
      ['delete', 3],
    ],
  );
});
