import { copyFileSync } from 'node:fs';
import test from 'ava';
import type { Declined } from '../../../../controller/model/declined.ts';
import { AMPLE_BYTES, apply, Folder, holds, openStore, Replica, type Store, spec, status, updateOf } from '../fleet.ts';

const EDGE = { hosts: { role: 'edge' } };

/** What a host says of itself while it holds what the replica does. */
function say(store: Pick<Store, 'roster'>, replica: Replica, seenAtMs: number, boot = 'b'): Promise<void> {
  const { epoch, rev } = replica.cursor;
  const labels = { role: 'edge' };
  return store.roster.report([{ status: status(replica.host, { labels, epoch, stored: rev, boot }), seenAtMs }]);
}

/** What a host that is superseded asks for, and gets. */
async function follow(store: Pick<Store, 'logs'>, replica: Replica): Promise<string> {
  const { host, cursor: have } = replica;
  const { standing } = await store.logs.page({ v: 1, host, have, from: have }, AMPLE_BYTES);
  if (standing !== 'superseded') return standing;
  replica.intents.clear();
  const page = await store.logs.page({ v: 1, host, have, from: { epoch: '', rev: 0 } }, AMPLE_BYTES);
  replica.lay(page.changes);
  replica.cursor = { epoch: page.epoch, rev: page.rev };
  replica.head = page;
  return standing;
}

function namesOn({ intents }: Replica): readonly string[] {
  return [...intents.values()].map(({ name }) => name).sort();
}

test('recover: after an older copy every host takes its whole set, and none is served before it was heard', async (t) => {
  using folder = new Folder();
  let now = 1_000_000_000;
  const [old, kept] = [folder.file(), folder.file('copy.db')];
  const [early, late, silent] = [new Replica('early'), new Replica('late'), new Replica('silent')];
  {
    await using store = await openStore(old, () => now);
    for (const replica of [early, silent]) await say(store, replica, now);
    await apply(store, spec('a', 1, EDGE));
    await silent.sync(store.logs);
    await say(store, silent, now);
  }
  copyFileSync(old, kept);
  {
    await using store = await openStore(old, () => now);
    await say(store, late, now);
    await apply(store, spec('b', 2, EDGE));
    for (const replica of [early, late]) await replica.sync(store.logs);
    t.deepEqual(namesOn(late), ['a', 'b']);
  }
  now += 3_600_000;
  await using store = await openStore(kept, () => now);
  await t.throwsAsync(follow(store, late), { message: /no status of late/ });
  for (const replica of [early, late]) await say(store, replica, now);
  t.is(await follow(store, early), 'unknown');
  t.is(await follow(store, late), 'unknown');

  const { epoch, ...counts } = await store.desk.recover();
  t.deepEqual(counts, { v: 1, superseded: 4, foreign: 1, unheard: 1 });
  for (const replica of [early, late]) {
    t.is(await follow(store, replica), 'superseded');
    t.deepEqual(namesOn(replica), ['a']);
    t.is(replica.digest, replica.head.digest);
    t.is(replica.cursor.epoch, epoch);
    t.is(
      (await store.logs.page({ v: 1, host: replica.host, have: replica.cursor, from: replica.cursor }, AMPLE_BYTES))
        .standing,
      'ok',
    );
  }
  t.is(((await t.throwsAsync(follow(store, silent))) as Declined).code, 'NOT_READY');
  await say(store, silent, now, 'after');
  t.is(await follow(store, silent), 'superseded');
  t.deepEqual(namesOn(silent), ['a']);

  const { rev } = await apply(store, spec('c', 3, EDGE));
  t.is(rev, 8, 'three hosts, after the 5 that hosts told of');
  t.deepEqual(namesOn(await holds(store, 'late')), ['a', 'c']);
});

test('recover: it can be repeated for hosts that are heard later, and one that reports nonsense uses no revs up', async (t) => {
  using folder = new Folder();
  const now = 1_000_000_000;
  await using store = await openStore(folder.file(), () => now);
  const [first, later, liar] = ['first', 'later', 'liar'].map((host) => new Replica(host)) as [
    Replica,
    Replica,
    Replica,
  ];
  await apply(store, spec('a', 1, EDGE));
  first.cursor = { epoch: 'other.1', rev: 70 };
  liar.cursor = { epoch: 'other.1', rev: Number.MAX_SAFE_INTEGER };
  for (const replica of [first, liar]) await say(store, replica, now);
  t.like(await store.desk.recover(), { foreign: 1 });
  t.is(await follow(store, first), 'superseded');
  later.cursor = { epoch: 'other.2', rev: 9 };
  await say(store, later, now);
  t.is(await follow(store, later), 'unknown');
  t.like(await store.desk.recover(), { foreign: 1, unheard: 0 });
  for (const replica of [first, later]) t.is(await follow(store, replica), 'superseded');
  t.deepEqual(namesOn(later), ['a']);
  const { rev } = await apply(store, spec('b', 2, EDGE));
  t.true(rev > 70 && rev < 100, `${rev}`);
});

test('recover: who was silent and begins from nothing is not given what was deleted before it was heard', async (t) => {
  using folder = new Folder();
  let now = 1_000_000_000;
  await using store = await openStore(folder.file(), () => now);
  const silent = new Replica('silent');
  await say(store, silent, now);
  await apply(store, spec('a', 1, { hosts: 'all' }), spec('b', 2, EDGE), spec('c', 3, { hosts: ['silent'] }));
  now += 3_600_000;
  t.like(await store.desk.recover(), { unheard: 1 });
  await store.desk.delete(['a', 'b']);
  t.is(((await t.throwsAsync(silent.sync(store.logs))) as Declined).code, 'NOT_READY');
  await say(store, silent, now, 'after');
  await silent.sync(store.logs);
  t.deepEqual(namesOn(silent), ['c']);
});

test('recover: who was silent, and whose log specs bear out still, begins with that at once', async (t) => {
  using folder = new Folder();
  let now = 1_000_000_000;
  await using store = await openStore(folder.file(), () => now);
  const replica = new Replica('silent');
  await say(store, replica, now);
  await apply(store, spec('a', 1, { hosts: 'all' }), spec('c', 3, { hosts: ['silent'] }));
  now += 3_600_000;
  t.like(await store.desk.recover(), { unheard: 1 });
  await replica.sync(store.logs);
  t.deepEqual(namesOn(replica), ['a', 'c']);
});

test('recover: the other controller on the database goes on, and changes follow in the new epoch', async (t) => {
  using folder = new Folder();
  await using one = await openStore(folder.file());
  await using two = await openStore(folder.file());
  await apply(one, spec('a', 1));
  await apply(two, spec('b', 2));
  const { epoch } = await one.desk.recover();
  await apply(two, spec('c', 3));
  const held = await holds(one, 'edge-1');
  t.is(held.cursor.epoch, epoch);
  t.is(held.digest, held.head.digest);
  t.deepEqual(namesOn(held), ['a', 'b', 'c']);
  t.is((await updateOf(two.logs, 'edge-1', 2, AMPLE_BYTES))?.after, null);
});
