import test from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { SqliteDatabase } from '../../../../controller/store/sqlite/database.ts';
import { Tables } from '../../../../controller/store/tables/tables.ts';
import { makeSystemClock } from '../../../../daemon/clock.ts';
import { controllerMigrations } from '../../../../migrations/controller/index.ts';
import { NO_CURSOR } from '../../../../protocol/cursor.ts';
import type { Marks } from '../../../../protocol/marks.ts';
import type { Status } from '../../../../protocol/status.ts';
import type { Terms } from '../../../../protocol/terms.ts';
import { AMPLE_BYTES, apply, Folder, hintOf, openStore, type Store, spec, status, updateOf } from '../fleet.ts';

/** The marks of a database that a store has open as well, as another controller sees them. */
class Other implements AsyncDisposable {
  readonly #database: SqliteDatabase;
  readonly #tables: Tables;

  private constructor(database: SqliteDatabase) {
    this.#database = database;
    this.#tables = new Tables(database.compiler);
  }

  static async open(path: string): Promise<Other> {
    return new Other(await SqliteDatabase.open(path, { migrations: controllerMigrations, clock: makeSystemClock() }));
  }

  raise(host: string, rev: number, to: Marks): Promise<boolean> {
    return this.#database.write((session) => this.#tables.marks.raise(session, { host, rev }, to));
  }

  find(host: string): Promise<Marks> {
    return this.#database.read((session) => this.#tables.marks.find(session, host));
  }

  movedAfter(moved: number): Promise<{ readonly moved: number; readonly hosts: string[] }> {
    return this.#database.read((session) => this.#tables.marks.movedAfter(session, moved));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#database[Symbol.asyncDispose]();
  }
}

function says(store: Store, host: string, can: readonly string[]): Promise<void> {
  return store.roster.report([{ status: status(host, { epoch: '', stored: 0, can }), seenAtMs: 0 }]);
}

async function marksOfPage(store: Store, host: string): Promise<Marks> {
  const { confirmed, permit } = await store.logs.page({ v: 1, host, have: NO_CURSOR, from: NO_CURSOR }, AMPLE_BYTES);
  return { ...(confirmed !== undefined && { confirmed }), ...(permit !== undefined && { permit }) };
}

test('marks: they only rise, never past the head, each by itself; who looks finds whose did', async (t) => {
  using folder = new Folder();
  await using _store = await openStore(folder.file());
  await using other = await Other.open(folder.file());
  t.deepEqual(await other.find('a'), { confirmed: 0, permit: 0 });
  t.false(await other.raise('a', 9, {}));
  t.true(await other.raise('a', 9, { confirmed: 5 }));
  t.false(await other.raise('a', 9, { confirmed: 4, permit: 0 }));
  t.true(await other.raise('a', 9, { confirmed: 3, permit: 12 }));
  t.deepEqual(await other.find('a'), { confirmed: 5, permit: 9 });
  t.true(await other.raise('b', 2, { confirmed: 2 }));
  t.deepEqual(await other.movedAfter(0), { moved: 3, hosts: ['a', 'b'] });
  t.deepEqual(await other.movedAfter(2), { moved: 3, hosts: ['b'] });
  t.deepEqual(await other.movedAfter(3), { moved: 3, hosts: [] });
});

test('marks: a host is sent those that it has and that its agent can take, with each page', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await using other = await Other.open(folder.file());
  await apply(store, spec('a', 1));
  t.deepEqual(await marksOfPage(store, 'edge-1'), {});
  await other.raise('edge-1', 1, { confirmed: 1, permit: 1 });
  t.deepEqual(await marksOfPage(store, 'edge-1'), {}, 'it was never heard');
  t.is(await hintOf(store.logs, 'edge-1'), undefined);
  await says(store, 'edge-1', ['confirm']);
  t.deepEqual(await marksOfPage(store, 'edge-1'), { confirmed: 1 });
  t.like(await hintOf(store.logs, 'edge-1'), { prev: 1, rev: 1, changes: [], confirmed: 1 });
  await says(store, 'edge-1', ['permit', 'confirm']);
  t.deepEqual(await marksOfPage(store, 'edge-1'), { confirmed: 1, permit: 1 });
});

test('marks: what an operator allows to shrink a host is permitted there, on the hosts whose logs it moves and no others', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await using other = await Other.open(folder.file());
  const many = Array.from({ length: 12 }, (_, at) => spec(`r${at}`, at));
  await apply(store, ...many, spec('b', 20, { hosts: ['edge-2'] }));
  const allowed: Terms = { allowShrink: true, reason: 'test' };
  const [before, beside] = [await other.find('edge-1'), await other.find('edge-2')];
  await store.desk.delete(['r0']);
  t.deepEqual(await other.find('edge-1'), before, 'nobody allowed anything');
  await store.desk.delete(['r1'], undefined, { allowShrink: true });
  t.deepEqual(await other.find('edge-1'), before, 'nobody said why');
  await store.desk.delete(['r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8'], undefined, allowed);
  t.deepEqual(await other.find('edge-1'), { confirmed: 0, permit: 22 });
  t.deepEqual(await other.find('edge-2'), beside);
  await store.desk.apply({ v: 1, upload: 'u', part: 0, parts: 1, specs: [spec('r9', 9, { to: 'drop' })], ...allowed });
  t.deepEqual(await other.find('edge-1'), { confirmed: 0, permit: 23 });
  await says(store, 'edge-1', ['permit']);
  t.deepEqual(await marksOfPage(store, 'edge-1'), { permit: 23 });
  t.like(await updateOf(store.logs, 'edge-1', 20, AMPLE_BYTES), { rev: 23, permit: 23 });
});

test('marks: a host whose brake withholds what is permitted is told so once more, and no other', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1), spec('b', 2));
  await store.desk.delete(['a'], undefined, { allowShrink: true, reason: 'test' });
  const epoch = (await updateOf(store.logs, 'edge-1', 2, AMPLE_BYTES))?.epoch ?? '';
  let seenAtMs = 0;
  const isTold = async (more: Partial<Status>): Promise<boolean> => {
    const { marks } = await store.logs.movedAfter(0);
    seenAtMs += 1;
    const said = { can: ['permit'], epoch, stored: 3, seq: seenAtMs, ...more };
    await store.roster.report([{ status: status('edge-1', said), seenAtMs }]);
    return (await store.logs.movedAfter(0, marks)).marked.includes('edge-1');
  };
  t.false(await isTold({}), 'nothing is withheld');
  t.true(await isTold({ brake: { since: 1, withheld: 1, from: 3 } }), 'it was lost');
  t.like(await hintOf(store.logs, 'edge-1'), { rev: 3, changes: [], permit: 3 });
  t.true(await isTold({ brake: { since: 1, withheld: 1, from: 3 } }), 'again');
  t.false(await isTold({ brake: { since: 1, withheld: 1, from: 4 } }), 'that was not permitted');
  t.false(await isTold({ epoch: 'elsewhere.1', brake: { since: 1, withheld: 1, from: 3 } }), 'of another log');
});

test('marks: they outlive a restart and a history that begins anew, and go with their host', async (t) => {
  using folder = new Folder();
  await using other = await Other.open(folder.file());
  {
    await using store = await openStore(folder.file());
    await apply(store, spec('a', 1));
    await other.raise('edge-1', 1, { confirmed: 1 });
    await says(store, 'edge-1', ['confirm']);
    await store.desk.recover();
  }
  await using store = await openStore(folder.file());
  await says(store, 'edge-1', ['confirm']);
  t.deepEqual(await marksOfPage(store, 'edge-1'), { confirmed: 1 });
  const { moved } = await other.movedAfter(0);
  await store.desk.forget({ v: 1, host: 'edge-1', force: true });
  await says(store, 'edge-1', ['confirm']);
  t.deepEqual(await marksOfPage(store, 'edge-1'), {});
  t.is((await other.movedAfter(moved)).moved, moved + 1, 'what was counted is not counted again');
});

test('marks: a row that is not what was written is none, and all else goes on', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await using other = await Other.open(folder.file());
  await apply(store, spec('a', 1), spec('b', 2, { hosts: ['edge-2'] }));
  for (const host of ['edge-1', 'edge-2']) {
    await says(store, host, ['confirm']);
    await other.raise(host, 2, { confirmed: 1 });
  }
  const damaged = new BetterSqlite3(folder.file());
  damaged.exec(`update marks set confirmed = 2 where host = 'edge-2'`);
  damaged.close();
  t.deepEqual(await marksOfPage(store, 'edge-2'), {});
  t.deepEqual(await marksOfPage(store, 'edge-1'), { confirmed: 1 });
});

test('marks: a database of the release before gets them', async (t) => {
  using folder = new Folder();
  const before = Object.entries(controllerMigrations.additions).filter(([name]) => name < '0007_marks');
  const migrations = { ...controllerMigrations, additions: Object.fromEntries(before) };
  const clock = makeSystemClock();
  await (await SqliteDatabase.open(folder.file(), { migrations, clock }))[Symbol.asyncDispose]();
  await using store = await openStore(folder.file());
  await using other = await Other.open(folder.file());
  await apply(store, spec('a', 1));
  await says(store, 'edge-1', ['confirm']);
  t.true(await other.raise('edge-1', 1, { confirmed: 1 }));
  t.deepEqual(await marksOfPage(store, 'edge-1'), { confirmed: 1 });
});
