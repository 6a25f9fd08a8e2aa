import test from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import type { Declined } from '../../../../controller/model/declined.ts';
import type { Change } from '../../../../protocol/intent.ts';
import { keyOf } from '../../../../protocol/key.ts';
import type { Status } from '../../../../protocol/status.ts';
import {
  ALLOWED,
  AMPLE_BYTES,
  apply,
  Folder,
  hintOf,
  holds,
  openStore,
  type Store,
  spec,
  status,
  updateOf,
} from '../fleet.ts';

const EDGE = { hosts: { role: 'edge' } };
const confirm = { withinMs: 60_000 };
/** Of `spec('a', 1)`. */
const KEY = keyOf({ src: '0.0.0.0/0', dst: '10.0.0.1/32', proto: 'udp', dport: 443 });
const OTHER = keyOf({ src: '0.0.0.0/0', dst: '10.0.0.2/32', proto: 'udp', dport: 443 });
/** Nothing that the fixture says of confirmation. */
const QUIET: Partial<Status> = { labels: { role: 'edge' }, can: ['confirm'], unconfirmed: [], exceptions: [] };

/** A host says something, ten seconds after it first said so far. */
async function says(store: Store, host: string, more: Partial<Status> = {}, steady = 0): Promise<void> {
  const { unarmed: _, ...said } = status(host, { ...QUIET, epoch: '', stored: 0, exceptionsTotal: 9, ...more });
  await store.roster.report([{ status: { ...said, ...more }, seenAtMs: Date.now(), steady }]);
}

function applyToConfirm(store: Store, ...specs: readonly object[]) {
  return store.desk.apply({ v: 1, upload: 'test', part: 0, parts: 1, specs, ...ALLOWED, confirm });
}

/** The changes of a host after a rev, and whether what they come to has the digest of its head. */
async function told(store: Store, host: string, after = 0): Promise<readonly Change[]> {
  const update = await updateOf(store.logs, host, after, AMPLE_BYTES);
  return update?.changes ?? [];
}

async function confirms(store: Store, host: string, after = 0) {
  return (await told(store, host, after)).map(({ op, rev, confirm }) => [op, rev, confirm?.withinMs]);
}

async function isWhole(store: Store, host: string): Promise<boolean> {
  const replica = await holds(store, host);
  return replica.digest === replica.head.digest;
}

async function marked(store: Store, host: string): Promise<number | undefined> {
  return (await hintOf(store.logs, host))?.confirmed;
}

test('confirm: it goes to the hosts that get the change, and nothing but another change takes it away', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await says(store, 'h1');
  await apply(store, spec('a', 1, EDGE), spec('b', 2, EDGE));
  await applyToConfirm(store, spec('a', 1, { ...EDGE, to: 'drop' }), spec('b', 2, EDGE));
  t.deepEqual(await confirms(store, 'h1', 2), [['put', 3, 60_000]], 'b was so before');
  t.true(await isWhole(store, 'h1'));
  t.like(await apply(store, spec('a', 1, { ...EDGE, to: 'drop' })), { unchanged: 1, hosts: 0, rev: 3 });
  t.like(await applyToConfirm(store, spec('a', 1, { ...EDGE, to: 'drop' })), { unchanged: 1, hosts: 0, rev: 3 });
  await says(store, 'h1', { labels: { role: 'edge', site: 'x' } });
  await store.roster.reconcile(new AbortController().signal);
  t.deepEqual(await told(store, 'h1', 3), [], 'labels and reconciling are silent');
  await says(store, 'late');
  t.deepEqual(
    (await confirms(store, 'late')).map(([op, , within]) => [op, within]),
    [
      ['put', undefined],
      ['put', undefined],
    ],
    'a joiner arms nothing',
  );
  await apply(store, spec('a', 1, { ...EDGE, to: 'pass' }));
  t.deepEqual(
    (await confirms(store, 'h1', 3)).map(([op, , within]) => [op, within]),
    [['put', undefined]],
  );
  t.true(await isWhole(store, 'h1'));
});

test('confirm: a delete keeps it too, and goes without to an agent that would refuse it', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await says(store, 'h1');
  await apply(store, spec('a', 1, EDGE));
  const deleted = await store.desk.delete(['a'], undefined, { ...ALLOWED, confirm });
  t.like(deleted, { deleted: ['a'], hosts: 1, rev: 2 });
  t.deepEqual(await told(store, 'h1', 1), [{ op: 'delete', rev: 2, key: KEY, confirm }]);
  const from = { epoch: (await holds(store, 'h1')).cursor.epoch, rev: 1 };
  const page = await store.logs.page({ v: 1, host: 'h1', have: from, from }, AMPLE_BYTES);
  t.deepEqual(page.changes, [{ op: 'delete', rev: 2, key: KEY, confirm }]);
  t.true(await isWhole(store, 'h1'));
  await says(store, 'h1', { can: [] });
  t.deepEqual(await told(store, 'h1', 1), [{ op: 'delete', rev: 2, key: KEY }]);
  await apply(store, spec('a', 1, EDGE));
  t.deepEqual((await confirms(store, 'h1', 2)).length, 1, 'a tombstone is no redirect');
});

test('confirm: what an agent can no more is told anew without it', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await says(store, 'h1');
  await applyToConfirm(store, spec('a', 1, EDGE));
  t.deepEqual(await confirms(store, 'h1'), [['put', 1, 60_000]]);
  await says(store, 'h1', { can: [] });
  t.deepEqual(await confirms(store, 'h1'), [['put', 2, undefined]]);
  t.true(await isWhole(store, 'h1'));
});

test('confirm: a change that some host could not have confirmed is refused, and nothing is changed', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await says(store, 'h1');
  await says(store, 'h2', { can: ['idle'] });
  const refused = (await t.throwsAsync(applyToConfirm(store, spec('a', 1, { hosts: ['h1', 'h2', 'h3'] })))) as Declined;
  t.is(refused.code, 'AGENT_TOO_OLD');
  t.is(
    refused.message,
    'the agents of h2 cannot take a change back, and h3 never reported, so nothing can be confirmed there; nothing was changed: upgrade them, or do it without --confirm',
  );
  t.deepEqual(await told(store, 'h1'), []);
  await apply(store, spec('a', 1, { hosts: ['h1', 'h2'] }));
  const kept = await t.throwsAsync(store.desk.delete(['a'], undefined, { ...ALLOWED, confirm }));
  t.is((kept as Declined).code, 'AGENT_TOO_OLD');
  t.is((await holds(store, 'h2')).intents.size, 1);
  t.like(await applyToConfirm(store, spec('a', 1, { hosts: ['h1', 'h2'] })), { unchanged: 1 }, 'they have it already');
});

test('confirm: behind one that a host took back nothing is confirmed; that one is told again by another that is to be confirmed', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await says(store, 'h1');
  await applyToConfirm(store, spec('a', 1, EDGE));
  const exceptions = [{ key: KEY, name: 'a', rev: 1, state: 'denied', code: 'REVERTED' }] as const;
  await says(store, 'h1', { exceptions, exceptionsTotal: 1 });
  const refused = (await t.throwsAsync(applyToConfirm(store, spec('b', 2, EDGE)))) as Declined;
  t.is(refused.code, 'REVERTED');
  t.regex(refused.message, /took a change back: a on h1; nothing was changed: first apply that again with --confirm/);
  t.like(await apply(store, spec('a', 1, EDGE)), { unchanged: 1, hosts: 0 }, 'by day a script may say it again');
  t.like(await applyToConfirm(store, spec('a', 1, EDGE), spec('b', 2, EDGE)), { unchanged: 1, created: 1, hosts: 1 });
  t.deepEqual(await confirms(store, 'h1', 1), [
    ['put', 2, 60_000],
    ['put', 3, 60_000],
  ]);
  t.true(await isWhole(store, 'h1'));
  await store.desk.delete(['a', 'b'], undefined, { ...ALLOWED, confirm });
  const gone = [{ key: KEY, name: 'a', rev: 4, state: 'denied', code: 'REVERTED' }] as const;
  await says(store, 'h1', { exceptions: gone, exceptionsTotal: 1 });
  const again = await store.desk.delete(['a'], undefined, { ...ALLOWED, confirm });
  t.like(again, { absent: ['a'], hosts: 1, rev: 6 });
  t.deepEqual(await confirms(store, 'h1', 5), [['delete', 6, 60_000]]);
});

test('confirm: a host is confirmed what it said for long enough, by a word of its own that is new, of our log', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await says(store, 'h1');
  await applyToConfirm(store, spec('a', 1, EDGE));
  const { epoch } = (await holds(store, 'h1')).cursor;
  const unconfirmed = [{ name: 'a', key: KEY, rev: 1, leftMs: 40_000 }];
  const said = { epoch, stored: 1, applied: 1, unconfirmed };
  await says(store, 'h1', said);
  t.is(await marked(store, 'h1'), undefined, 'not long enough');
  await says(store, 'h1', { ...said, unconfirmed: [] }, 1);
  t.is(await marked(store, 'h1'), undefined, 'nothing waits for it');
  await says(store, 'h1', { ...said, epoch: 'elsewhere.1' }, 1);
  t.is(await marked(store, 'h1'), undefined, 'of another log');
  await says(store, 'h1', { ...said, unarmed: 1 }, 1);
  t.is(await marked(store, 'h1'), undefined, 'it does not stand');
  await says(
    store,
    'h1',
    { ...said, exceptions: [{ key: KEY, name: 'a', rev: 1, state: 'failed', code: 'READ_BACK' }] },
    1,
  );
  t.is(await marked(store, 'h1'), undefined, 'it failed');
  const old = status('h1', { ...QUIET, ...said, unarmed: undefined as never });
  await says(store, 'h1', said);
  await store.roster.report([{ status: old, seenAtMs: Date.now(), steady: 1 }]);
  t.is(await marked(store, 'h1'), undefined, 'old');
  const { marks } = await store.logs.movedAfter(0);
  await says(
    store,
    'h1',
    { ...said, exceptions: [{ key: OTHER, name: 'b', rev: 1, state: 'failed', code: 'READ_BACK' }] },
    1,
  );
  t.is(await marked(store, 'h1'), 1);
  t.like(await store.logs.movedAfter(1, marks), { marked: ['h1'], heads: [] });
  const raised = (await store.logs.movedAfter(0)).marks;
  await says(store, 'h1', said, 1);
  t.like(await store.logs.movedAfter(1, raised), { marked: ['h1'] }, 'it still waits: the hint was lost');
});

test('confirm: what was confirmed is not to be confirmed again where a log is made anew', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await says(store, 'h1');
  await applyToConfirm(store, spec('a', 1, EDGE));
  const { epoch } = (await holds(store, 'h1')).cursor;
  const unconfirmed = [{ name: 'a', key: KEY, rev: 1, leftMs: 40_000 }];
  await says(store, 'h1', { epoch, stored: 1, applied: 1, unconfirmed }, 1);
  await applyToConfirm(store, spec('b', 2, EDGE));
  t.deepEqual(await confirms(store, 'h1'), [
    ['put', 1, 60_000],
    ['put', 2, 60_000],
  ]);
  const damaged = new BetterSqlite3(folder.file());
  damaged.exec(`update heads set checksum = 'x'; update changes set at_ms = 1 where rev = 2`);
  damaged.close();
  const renewed = [...(await holds(store, 'h1')).intents.values()];
  t.deepEqual(
    renewed.map(({ rev, confirm }) => [rev, confirm]),
    [
      [3, undefined],
      [5, undefined],
    ],
  );
  t.true(await isWhole(store, 'h1'));
});
