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
import { apply, Folder, openStore, spec, status } from '../fleet.ts';

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

  static async begin(logs: Pick<Logs, 'movedAfter' | 'together'>, bus: Bus): Promise<Running> {
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
  await using running = await Running.begin({ movedAfter, together }, bus);
  bus.connected = true;
  await apply(store, spec('b', 2));
  await running.clock.pass(1000);
  t.deepEqual(bus.sent, []);
  failing = false;
  await running.clock.pass(1000);
  t.deepEqual(bus.sent, ['edge-1 1-2 1']);
});
