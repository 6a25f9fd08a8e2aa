import test from 'ava';
import { pino } from 'pino';
import type { Logs } from '../../../../controller/ports.ts';
import { Publisher } from '../../../../controller/serve/publisher.ts';
import { SqliteDatabase } from '../../../../controller/store/sqlite/database.ts';
import { Tables } from '../../../../controller/store/tables/tables.ts';
import { makeSystemClock } from '../../../../daemon/clock.ts';
import { controllerMigrations } from '../../../../migrations/controller/index.ts';
import type { Marks } from '../../../../protocol/marks.ts';
import { makeSubjects } from '../../../../protocol/subjects.ts';
import { parseUpdate, type Update } from '../../../../protocol/update.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { ALLOWED, apply, Folder, openStore, type Store, spec, status } from '../fleet.ts';

const clock = makeSystemClock();

/** A bus that keeps what is published. */
class Bus {
  connected = true;
  maxPayloadBytes = 1_048_576;
  readonly updates: Update[] = [];
  #onConnect: () => void = () => {};

  publish(subject: string, data: Uint8Array): void {
    const update = parseUpdate(data);
    if (subject !== `shunt.v1.live.${update.host}`) throw new Error(`${subject} is for another host`);
    this.updates.push(update);
  }

  async flush(): Promise<void> {}

  onConnect(callback: () => void): void {
    this.#onConnect = callback;
  }

  reconnect(): void {
    this.connected = true;
    this.#onConnect();
  }

  get sent(): string[] {
    return this.updates.map(({ host, prev, rev, changes }) => `${host} ${prev}-${rev} ${changes.length}`);
  }
}

/** A publisher that runs until it is closed. */
class Running implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly publisher: Publisher;
  readonly #end = new AbortController();
  readonly #done: Promise<void>;

  private constructor(publisher: Publisher, clock: ManualClock) {
    this.publisher = publisher;
    this.clock = clock;
    this.#done = publisher.run(this.#end.signal);
  }

  static async begin(logs: Pick<Logs, 'movedAfter' | 'together' | 'written'>, bus: Bus): Promise<Running> {
    const clock = new ManualClock();
    const log = pino({ level: 'silent' });
    return new Running(await Publisher.begin({ logs, bus, subjects: makeSubjects(), clock, log }), clock);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#done;
  }
}

test('publish: what stood before the start is not pushed, what comes after is, at once when announced', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1));
  const bus = new Bus();
  await using running = await Running.begin(store.logs, bus);
  await running.clock.pass(0);
  t.deepEqual(bus.sent, []);
  await apply(store, spec('b', 2), spec('c', 3, { hosts: ['edge-2'] }));
  running.publisher.wake();
  await running.clock.pass(0);
  t.deepEqual(bus.sent.sort(), ['edge-1 1-2 1', 'edge-2 0-3 1']);
});

test('publish: as many hosts as there are get what is new, each once and its own, also those that wait for the server', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const hosts = Array.from({ length: 600 }, (_, at) => `edge-${at}`);
  const bus = new Bus();
  await using running = await Running.begin(store.logs, bus);
  await apply(store, spec('all', 1, { hosts }), spec('one', 2, { hosts: ['edge-599'] }));
  running.publisher.wake();
  await running.clock.pass(0);
  t.deepEqual(bus.updates.map(({ host }) => host).sort(), hosts.toSorted());
  const names = bus.updates.map(({ host, changes }) => [host, changes.length] as const);
  t.deepEqual(new Map(names).get('edge-599'), 2);
  t.is(names.filter(([, changes]) => changes === 1).length, 599);
  running.publisher.wake();
  await running.clock.pass(1000);
  t.is(bus.updates.length, 600, 'nothing is told twice');
});

test('publish: hosts with very much news get it, read of few at a time, and one that has more than a message takes a hint', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const bus = new Bus();
  await using running = await Running.begin(store.logs, bus);
  const shared = Array.from({ length: 1500 }, (_, n) => spec(`s${n}`, n, { hosts: ['edge-1', 'edge-2', 'edge-3'] }));
  const own = Array.from({ length: 3000 }, (_, n) => spec(`o${n}`, 1500 + n, { hosts: ['edge-2'] }));
  await apply(store, ...shared, ...own);
  running.publisher.wake();
  await running.clock.pass(0);
  const changes = new Map(bus.updates.map(({ host, changes: { length } }) => [host, length]));
  t.is(bus.updates.length, 3);
  t.deepEqual(Object.fromEntries(changes), { 'edge-1': 1500, 'edge-2': 0, 'edge-3': 1500 });
});

test('publish: commits that nobody announced go out with the next look, together', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await using other = await openStore(folder.file());
  const bus = new Bus();
  await using running = await Running.begin(store.logs, bus);
  await running.clock.pass(0);
  await apply(other, spec('a', 1));
  await apply(other, spec('a', 1, { to: 'drop' }));
  await apply(other, spec('b', 2));
  await running.clock.pass(999);
  t.deepEqual(bus.sent, []);
  await running.clock.pass(1);
  t.deepEqual(bus.sent, ['edge-1 0-3 2']);
});

test('publish: nothing is given to a bus without a server, and all of it once there is one', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const bus = new Bus();
  bus.connected = false;
  await using running = await Running.begin(store.logs, bus);
  await apply(store, spec('a', 1));
  running.publisher.wake();
  await running.clock.pass(5000);
  await apply(store, spec('b', 2));
  t.deepEqual(bus.sent, []);
  bus.reconnect();
  await running.clock.pass(0);
  t.deepEqual(bus.sent, ['edge-1 0-2 2']);
});

test('publish: a server that takes little gets hints', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const bus = new Bus();
  bus.maxPayloadBytes = 2048;
  await using running = await Running.begin(store.logs, bus);
  await apply(store, spec('a', 1));
  await running.clock.pass(1000);
  t.deepEqual(bus.sent, ['edge-1 1-1 0']);
});

test('publish: a mark that rises goes out as a hint, whoever raised it; one that rises with a change goes with that', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const applied = (upload: string, one: object) => store.desk.apply({ v: 1, upload, part: 0, parts: 1, specs: [one] }); // permits nothing
  await applied('a', spec('a', 1));
  for (const [host, can] of Object.entries({ 'edge-1': ['confirm', 'permit'], old: [] }))
    await store.roster.report([{ status: status(host, { epoch: '', stored: 0, can }), seenAtMs: 0 }]);
  await using database = await SqliteDatabase.open(folder.file(), { migrations: controllerMigrations, clock });
  const { marks } = new Tables(database.compiler);
  const raise = (host: string, rev: number, to: Marks) =>
    database.write((session) => marks.raise(session, { host, rev }, to));
  const bus = new Bus();
  await using running = await Running.begin(store.logs, bus);
  await running.clock.pass(0);
  t.true(await raise('edge-1', 1, { confirmed: 1 }));
  t.true(await raise('old', 1, { confirmed: 1 }));
  await running.clock.pass(1000);
  t.deepEqual(bus.sent, ['edge-1 1-1 0']);
  t.like(bus.updates, [{ confirmed: 1, permit: undefined }]);
  t.false(await raise('edge-1', 1, { confirmed: 1 }));
  await running.clock.pass(1000);
  t.is(bus.sent.length, 1, 'nothing rose');
  await applied('b', spec('b', 2));
  t.true(await raise('edge-1', 2, { permit: 2 }));
  await running.clock.pass(1000);
  t.deepEqual(bus.sent.slice(1), ['edge-1 1-2 1']);
  t.like(bus.updates[1], { confirmed: 1, permit: 2 });
});

test('publish: what was committed before the end goes out at the end', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const bus = new Bus();
  {
    await using running = await Running.begin(store.logs, bus);
    await running.clock.pass(0);
    await apply(store, spec('a', 1));
  }
  t.deepEqual(bus.sent, ['edge-1 0-1 1']);
});

test('publish: a pass that fails is tried again with the next look', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1));
  const bus = new Bus();
  let failing = true;
  const movedAfter: Logs['movedAfter'] = (...asked) => store.logs.movedAfter(...asked);
  const together: Logs['together'] = (read) =>
    failing ? Promise.reject(new Error('busy')) : store.logs.together(read);
  bus.connected = false; // while it begins
  await using running = await Running.begin({ movedAfter, together, written: () => [] }, bus);
  bus.connected = true;
  await apply(store, spec('b', 2));
  await running.clock.pass(1000);
  t.deepEqual(bus.sent, []);
  failing = false;
  await running.clock.pass(1000);
  t.deepEqual(bus.sent, ['edge-1 1-2 1']);
});

test('publish: what was just written is told from hand and at once, word for word as another controller reads it', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await using other = await openStore(folder.file());
  for (const [host, can] of Object.entries({ 'edge-1': ['confirm', 'permit'], 'edge-2': [] }))
    await store.roster.report([{ status: status(host, { epoch: '', stored: 0, can }), seenAtMs: 0 }]);
  await apply(store, spec('first', 1)); // opens the epoch of this start
  const [bus, read] = [new Bus(), new Bus()];
  await using running = await Running.begin(store.logs, bus);
  await using reading = await Running.begin(other.logs, read);
  await running.clock.pass(0);
  const both = { hosts: ['edge-1', 'edge-2'] };
  const changes: readonly (() => Promise<unknown>)[] = [
    () => apply(store, spec('a', 2, both), spec('b', 3)),
    () => store.desk.apply({ v: 1, upload: 'plain', part: 0, parts: 1, specs: [spec('c', 4, both)] }), // permits nothing
    () => apply(store, spec('a', 2, { ...both, to: 'drop' })),
    () => apply(store, spec('a', 2, { ...both, to: 'drop' })), // the same
    () => store.desk.delete(['b', 'c'], undefined, ALLOWED),
    () =>
      store.desk.apply({
        v: 1,
        upload: 'confirm',
        part: 0,
        parts: 1,
        specs: [spec('d', 5)],
        confirm: { withinMs: 60_000 },
      }),
    () => store.desk.delete(['d'], undefined, { ...ALLOWED, confirm: { withinMs: 60_000 } }),
  ];
  for (const change of changes) {
    await change();
    running.publisher.wake();
    const sent = bus.updates.splice(0);
    await reading.clock.pass(1000);
    const byHost = (updates: readonly Update[]) => updates.toSorted((a, b) => (a.host < b.host ? -1 : 1));
    t.deepEqual(byHost(sent), byHost(read.updates.splice(0)));
  }
  await running.clock.pass(1000);
  t.deepEqual(bus.sent, [], 'nothing is told twice');
});

test('publish: what the bus does not take from hand is read', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1));
  const bus = new Bus();
  await using running = await Running.begin(store.logs, bus);
  await running.clock.pass(0);
  await apply(store, spec('b', 2));
  const publish = bus.publish.bind(bus);
  bus.publish = () => {
    throw new Error('the connection is closed');
  };
  t.notThrows(() => running.publisher.wake());
  bus.publish = publish;
  t.deepEqual(bus.sent, []);
  await running.clock.pass(0);
  t.deepEqual(bus.sent, ['edge-1 1-2 1']);
});

test('publish: where others wrote in between, or raised a mark, all of it is read, and told once', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await using other = await openStore(folder.file());
  await store.roster.report([{ status: status('edge-1', { epoch: '', stored: 0, can: ['permit'] }), seenAtMs: 0 }]);
  const plain = (to: Store, upload: string, one: object) =>
    to.desk.apply({ v: 1, upload, part: 0, parts: 1, specs: [one] });
  for (const [at, controller] of [store, other].entries())
    await plain(controller, `first-${at}`, spec(`first-${at}`, at));
  const bus = new Bus();
  await using running = await Running.begin(store.logs, bus);
  await running.clock.pass(0);
  await plain(other, 'theirs', spec('theirs', 10));
  await plain(store, 'ours', spec('ours', 11));
  running.publisher.wake();
  t.deepEqual(bus.sent, []);
  await running.clock.pass(0);
  t.deepEqual(bus.sent, ['edge-1 2-4 2']);
  await using database = await SqliteDatabase.open(folder.file(), { migrations: controllerMigrations, clock });
  const { marks } = new Tables(database.compiler);
  await database.write((session) => marks.raise(session, { host: 'edge-1', rev: 4 }, { permit: 4 }));
  await plain(store, 'again', spec('again', 12));
  running.publisher.wake();
  await running.clock.pass(1000);
  t.like(bus.updates.slice(1), [{ prev: 4, rev: 5, permit: 4 }]);
  bus.connected = false;
  await plain(store, 'unheard', spec('unheard', 13));
  running.publisher.wake();
  bus.reconnect();
  await running.clock.pass(0);
  t.deepEqual(bus.sent.slice(2), ['edge-1 5-6 1']);
});
