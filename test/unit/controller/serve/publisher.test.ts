import test from 'ava';
import { pino } from 'pino';
import { Publisher } from '../../../../controller/serve/publisher.ts';
import type { SqlStore } from '../../../../controller/store/sql-store.ts';
import { makeSubjects } from '../../../../protocol/subjects.ts';
import { parseUpdate, type Update } from '../../../../protocol/update.ts';
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

async function publisherOf(logs: SqlStore, bus: Bus): Promise<Publisher> {
  const publisher = new Publisher({ logs, bus, subjects: makeSubjects(), log: pino({ level: 'silent' }) });
  await publisher.start();
  return publisher;
}

/** Ends with the last pass done. */
async function settle(publisher: Publisher): Promise<void> {
  publisher.wake();
  await publisher[Symbol.asyncDispose]();
}

test('publish: what stood before the start is not pushed, what comes after is', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, spec('a', 1));
  const bus = new Bus();
  const publisher = await publisherOf(store, bus);
  await apply(store, spec('b', 2), spec('c', 3, { hosts: ['edge-2'] }));
  await settle(publisher);
  t.deepEqual(bus.sent.sort(), ['edge-1 1-2 1', 'edge-2 0-3 1']);
});

test('publish: commits that nobody announced go out with the next look, together', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await using other = await openStore(folder.file());
  const bus = new Bus();
  const publisher = await publisherOf(store, bus);
  await apply(other, spec('a', 1));
  await apply(other, spec('a', 1, { to: 'drop' }));
  await apply(other, spec('b', 2));
  await settle(publisher);
  t.deepEqual(bus.sent, ['edge-1 0-3 2']);
});

test('publish: nothing is given to a bus without a server, and all of it once there is one', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const bus = new Bus();
  bus.connected = false;
  const publisher = await publisherOf(store, bus);
  await apply(store, spec('a', 1));
  publisher.wake();
  await apply(store, spec('b', 2));
  t.deepEqual(bus.sent, []);
  bus.reconnect();
  await settle(publisher);
  t.deepEqual(bus.sent, ['edge-1 0-2 2']);
});

test('publish: a server that takes little gets hints', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const bus = new Bus();
  bus.maxPayloadBytes = 4096;
  const publisher = await publisherOf(store, bus);
  await apply(store, spec('a', 1));
  await settle(publisher);
  t.deepEqual(bus.sent, ['edge-1 1-1 0']);
});
