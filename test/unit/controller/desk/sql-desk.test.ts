import test from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { listHosts, listSpecs } from '../../../../controller/desk/listings.ts';
import { readProposal } from '../../../../controller/desk/proposal.ts';
import type { Transaction } from '../../../../controller/log/transaction.ts';
import { Declined } from '../../../../controller/model/declined.ts';
import type { Desk } from '../../../../controller/ports.ts';
import type { Session } from '../../../../controller/store/session.ts';
import { SqliteDatabase } from '../../../../controller/store/sqlite/database.ts';
import { rowFrom } from '../../../../controller/store/tables/spec-row.ts';
import { Tables } from '../../../../controller/store/tables/tables.ts';
import { controllerMigrations } from '../../../../migrations/controller/index.ts';
import { encodeHostsReply, MAX_ITEM_HOSTS } from '../../../../protocol/listings.ts';
import { parseStoredSpec } from '../../../../protocol/spec.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { AMPLE_BYTES, apply, Folder, openStore, report, spec, status } from '../fleet.ts';

test('hosts: one whose last word no longer can be read is listed as never heard, and the others as ever', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  for (const host of ['edge-1', 'edge-2']) await report(store, host);
  const db = new BetterSqlite3(folder.file());
  db.prepare(
    "update hosts set status = json_set(status, '$.counts', 'many'), checksum = null where host = 'edge-1'",
  ).run();
  db.close();
  const { items } = await store.desk.hosts({ v: 1 }, AMPLE_BYTES);
  t.deepEqual(
    items.map(({ host, seenAt }) => [host, seenAt !== null]),
    [
      ['edge-1', false],
      ['edge-2', true],
    ],
  );
  await report(store, 'edge-1');
  t.true((await store.desk.hosts({ v: 1 }, AMPLE_BYTES)).items.every(({ seenAt }) => seenAt !== null));
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

test('apply: uploads that commands left behind, however many, are in no way of another', async (t) => {
  using folder = new Folder();
  let now = 0;
  await using store = await openStore(folder.file(), () => now);
  const part = (upload: string, at: number) => ({ v: 1 as const, upload, part: at, parts: 2, specs: [spec('a', at)] });
  for (let upload = 0; upload < 64; upload += 1) await store.desk.stage(part(`killed-${upload}`, 0));
  const plan = { ...part('killed-1', 1), specs: [spec('b', 1)] };
  t.like(await store.desk.plan(plan, AMPLE_BYTES), { created: 2 });
  now += 11 * 60_000;
  await store.desk.stage(part('another', 0));
  const late = (await t.throwsAsync(store.desk.apply({ ...plan, upload: 'killed-2' }))) as Declined;
  t.is(late.code, 'UPLOAD_LOST');
  t.regex(late.message, /more than ten minutes/);
});

test('apply, plan, delete: who waits hears how far they have come', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const hosts = Array.from({ length: 40 }, (_, at) => `edge-${at}`);
  const last = {
    v: 1,
    upload: 'u',
    part: 0,
    parts: 1,
    specs: [spec('a', 1, { hosts }), spec('b', 2, { hosts })],
  } as const;
  const heard: Record<'plan' | 'apply' | 'delete', number[]> = { plan: [], apply: [], delete: [] };
  await store.desk.plan(last, AMPLE_BYTES, (done) => heard.plan.push(done));
  await store.desk.apply(last, (done) => heard.apply.push(done));
  await store.desk.delete(['a'], (done) => heard.delete.push(done));
  t.deepEqual([heard.plan.at(-1), heard.apply.at(-1), heard.delete.at(-1)], [40, 80, 40]);
  for (const counts of [heard.apply, heard.delete]) t.true(counts.length >= 40);
});

test('a name that is not there: delete, plan and get say which one is near, and change nothing', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, ...['drain-web-2', 'block-scan', 'w'].map((name, index) => spec(name, index)));
  const { near, absent, deleted } = await store.desk.delete(['drain-wbe-2', 'blok-scan', 'nothing-like-it']);
  t.deepEqual(near, [
    { name: 'drain-wbe-2', near: 'drain-web-2' },
    { name: 'blok-scan', near: 'block-scan' },
  ]);
  t.deepEqual([deleted.length, absent.length], [0, 3]);
  t.is((await store.desk.delete(['elsewhere'])).near, undefined);
  const plan = { v: 1 as const, upload: 'u', part: 0, parts: 1, specs: [], delete: ['drain_web-2', 'w'] };
  t.deepEqual((await store.desk.plan(plan, AMPLE_BYTES)).near, [{ name: 'drain_web-2', near: 'drain-web-2' }]);
  const get = await store.desk.get({ v: 1, name: 'drain-web-22' }, AMPLE_BYTES);
  t.deepEqual(get.near, [{ name: 'drain-web-22', near: 'drain-web-2' }]);
  t.is((await store.desk.get({ v: 1, name: 'w' }, AMPLE_BYTES)).near, undefined);
});

test('a description is kept and listed, and moves the log of no host', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1));
  const { rev } = await store.logs.movedAfter(0);
  const described = { ...spec('a', 1), description: 'until web-2 is back' };
  const last = { v: 1 as const, upload: 'u', part: 0, parts: 1, specs: [described] };
  t.like(await store.desk.apply(last), { changed: 1, hosts: 0, rev });
  t.is((await store.logs.movedAfter(0)).rev, rev);
  t.like((await store.desk.get({ v: 1 }, AMPLE_BYTES)).items[0], { spec: { description: 'until web-2 is back' }, rev });
  t.like(await store.desk.apply({ ...last, upload: 'again' }), { changed: 0, unchanged: 1, rev });
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
  const { at, ...nobody } = await store.desk.get({ v: 1, name: 'nobody' }, AMPLE_BYTES);
  t.deepEqual(nobody, { v: 1, items: [], next: null });
  t.true(Date.now() - (at ?? 0) < 60_000);
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
  const empty = { epoch: '', stored: 0 };
  const problems = ['STORE_UNWRITABLE', 'ADOPTING'].map((code) => ({ code, since: 5 }));
  const wrong = status('edge-1', { ...empty, problem: 'STORE_UNWRITABLE', problems, bypass: true });
  const { problem: _, problems: __, undelivered: ___, passed: ____, passedTotal, ...right } = status('edge-2', empty);
  const old = { ...right, host: 'edge-3', problem: 'ADOPTING' };
  await store.roster.report([wrong, right, old].map((said) => ({ status: said, seenAtMs: 5 })));
  const [first, second, third] = (await store.desk.hosts({ v: 1 }, AMPLE_BYTES)).items;
  t.like(first, { problem: 'STORE_UNWRITABLE', bypass: true, undelivered: 1, passed: passedTotal });
  for (const field of ['problem', 'bypass', 'undelivered', 'passed']) t.false(field in (second ?? {}));
  t.is(third?.problem, 'ADOPTING');
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

/** How many statements a script takes on the database of a file. */
async function statementsOf(path: string, script: (transaction: Transaction) => Promise<unknown>): Promise<number> {
  const clock = new ManualClock();
  await using database = await SqliteDatabase.open(path, { migrations: controllerMigrations, clock });
  const tables = new Tables(database.compiler);
  let statements = 0;
  await database.read((session) => {
    const counting = new Proxy(session, {
      get(target, name: keyof Session) {
        statements += 1;
        return target[name].bind(target);
      },
    });
    return script({ session: counting, tables, turn: clock.turn, damage: undefined, newest: undefined });
  });
  return statements;
}

test('hosts: a thousand take as many statements as one', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const fleet = Array.from({ length: 1000 }, (_, at) => `edge-${String(at).padStart(4, '0')}`);
  await apply(store, spec('a', 1, { hosts: 'all', idle: { after: '10m' } }));
  await store.roster.report(fleet.map((host) => ({ status: status(host), seenAtMs: 5 })));
  const list = (limit: number) =>
    statementsOf(folder.file(), async (transaction) => {
      t.is(
        (await listHosts(transaction, { v: 1, limit }, { nowMs: 5, budgetBytes: 2 * AMPLE_BYTES })).items.length,
        limit,
      );
    });
  t.is(await list(1000), await list(1));
});

test('hosts: in a small message what is missing leaves room for the hosts', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await report(store, 'edge-1');
  const standing = Array.from({ length: 100 }, (_, at) => ({
    name: `r${at}-`.padEnd(63, 'x'),
    hosts: 1333,
    gone: true,
  }));
  for (const [bytes, names] of [
    [3072, 6],
    [AMPLE_BYTES, 100],
  ] as const) {
    await statementsOf(folder.file(), async (transaction) => {
      const damage = { lost: 120, standing };
      const reply = await listHosts({ ...transaction, damage }, { v: 1 }, { nowMs: 5, budgetBytes: bytes });
      t.is(reply.items.length, 1);
      t.like(reply.damage, { missing: 120, nameless: 20, standingTotal: 100, standing: standing.slice(0, names) });
      t.is(reply.damage?.standing.length, names);
      t.true(encodeHostsReply(reply).length < bytes + 1024);
    });
  }
});

test('get, plan: a redirect on a thousand hosts takes as many statements as on one', async (t) => {
  using folder = new Folder();
  const fleet = Array.from({ length: 1000 }, (_, at) => `edge-${String(at).padStart(4, '0')}`);
  const idle = { idle: { after: '10m' } };
  const taken: number[][] = [];
  for (const hosts of [fleet.slice(0, 1), fleet]) {
    const file = folder.file(`${hosts.length}.db`);
    await using store = await openStore(file);
    await store.roster.report(hosts.map((host) => ({ status: status(host, { can: [] }), seenAtMs: 5 })));
    const specs = [
      spec('wins', 1, { hosts, priority: 9 }),
      spec('loses', 1, { hosts: 'all' }),
      spec('old', 2, { hosts, ...idle }),
    ];
    await apply(store, ...specs);
    const get = await statementsOf(file, async (transaction) => {
      const { items } = await listSpecs(transaction, { v: 1 }, { nowMs: 5, budgetBytes: AMPLE_BYTES });
      t.deepEqual(
        items.map(({ hostsTotal, shadowedTotal, notSentTotal = 0 }) => [hostsTotal, shadowedTotal, notSentTotal]),
        [
          [0, hosts.length, 0],
          [0, 0, hosts.length],
          [hosts.length, 0, 0],
        ],
      );
    });
    const plan = await statementsOf(file, (transaction) =>
      readProposal(transaction, { v: 1, upload: 'u', part: 0, parts: 1, specs, delete: ['wins-not'] }),
    );
    taken.push([get, plan]);
  }
  t.deepEqual(taken[1], taken[0]);
});

test('hosts: what is not sent is counted by host, whatever of it an agent lacks and whoever never reported', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const idle = { idle: { after: '10m' } };
  await apply(
    store,
    spec('a', 1, { hosts: ['able', 'old', 'unheard'], ...idle }),
    spec('b', 2, { hosts: 'all', ...idle }),
    spec('c', 3, { hosts: 'all', enabled: false, ...idle }),
    spec('d', 4, { hosts: ['able', 'old', 'unheard'] }),
  );
  await store.roster.report([
    { status: status('able', { can: ['confirm', 'idle'] }), seenAtMs: 5 },
    { status: status('old', { can: ['confirm'] }), seenAtMs: 5 },
  ]);
  const { items } = await store.desk.hosts({ v: 1 }, AMPLE_BYTES);
  t.deepEqual(
    items.map(({ host, notSent }) => [host, notSent?.redirects]),
    [
      ['able', undefined],
      ['old', 2],
      ['unheard', 1],
    ],
  );
});

test('a redirect that an earlier release took and none can match: it stands, is told, and hinders nobody', async (t) => {
  using folder = new Folder();
  const old = { ...spec('old', 1), match: { dst: '2001:db8::53', proto: 51 }, to: 'drop' };
  await keepAsEarlier(folder.file(), old);
  for (const start of [1, 2]) {
    await using store = await openStore(folder.file());
    await report(store, 'edge-1');
    t.deepEqual(await store.roster.refused(), ['old'], `start ${start}`);
    const [item] = (await store.desk.get({ v: 1, name: 'old' }, AMPLE_BYTES)).items;
    t.like(item?.refused, { code: 'NEVER_MATCHES', path: 'match.proto' });
    t.deepEqual(item?.hosts, ['edge-1'], 'it is sent, and does what it did');
    t.like(await apply(store, spec('new', start)), start === 1 ? { created: 1 } : { changed: 1 });
    t.is((await store.desk.get({ v: 1, name: 'new' }, AMPLE_BYTES)).items[0]?.refused, undefined);
    const again = (await t.throwsAsync(apply(store, spec('new', 9), old))) as Declined;
    t.deepEqual(
      again.problems.map(({ name, code, path }) => [name, code, path]),
      [['old', 'NEVER_MATCHES', 'match.proto']],
    );
  }
  await using store = await openStore(folder.file());
  t.deepEqual((await store.desk.delete(['old'])).deleted, ['old']);
  t.deepEqual(await store.roster.refused(), []);
});

/** Stores a spec as a release did that refused less. */
async function keepAsEarlier(path: string, written: object): Promise<void> {
  await (await openStore(path))[Symbol.asyncDispose]();
  const clock = new ManualClock();
  await using database = await SqliteDatabase.open(path, { migrations: controllerMigrations, clock });
  const tables = new Tables(database.compiler);
  await database.write((session) => tables.specs.put(session, [rowFrom(parseStoredSpec(written))], false));
}
