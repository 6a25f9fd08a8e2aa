import test from 'ava';
import { pino } from 'pino';
import type { Logs } from '../../../../controller/ports.ts';
import { Publisher } from '../../../../controller/serve/publisher.ts';
import { makeSubjects } from '../../../../protocol/subjects.ts';
import { parseUpdate, type Update } from '../../../../protocol/update.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { apply, Folder, openStore, spec } from '../fleet.ts';

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

  static async begin(logs: Pick<Logs, 'movedAfter' | 'update'>, bus: Bus): Promise<Running> {
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
  const movedAfter: Logs['movedAfter'] = (rev) =>
    failing && bus.connected ? Promise.reject(new Error('busy')) : store.logs.movedAfter(rev);
  bus.connected = false; // while it begins
  const update: Logs['update'] = (...asked) => store.logs.update(...asked);
  await using running = await Running.begin({ update, movedAfter }, bus);
  bus.connected = true;
  await apply(store, spec('b', 2));
  await running.clock.pass(1000);
  t.deepEqual(bus.sent, []);
  failing = false;
  await running.clock.pass(1000);
  t.deepEqual(bus.sent, ['edge-1 1-2 1']);
});
