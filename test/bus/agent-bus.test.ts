import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { connect, type NatsConnection } from 'nats';
import { NatsBus } from '../../agent/bus/nats-bus.ts';
import { BusOutbox } from '../../agent/bus/outbox.ts';
import { atStart } from '../../agent/follow/footing.ts';
import { Intake } from '../../agent/follow/intake.ts';
import { SqliteStore } from '../../agent/store/sqlite-store.ts';
import type { BusError } from '../../bus/error.ts';
import { makeSystemClock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import { agentMigrations } from '../../migrations/agent/index.ts';
import { NO_CURSOR } from '../../protocol/cursor.ts';
import { encodePage, encodeSyncRequest, parseSyncRequest } from '../../protocol/page.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { encodeUpdate, type Update } from '../../protocol/update.ts';
import { MemoryController, type Wish } from '../fakes/memory-controller.ts';
import { type NatsServer, startNats } from '../support/nats.ts';
import { HOST, put, silent } from '../unit/agent/follow/samples.ts';
import { until } from './rig.ts';

const subjects = makeSubjects();
const clock = makeSystemClock();
const puts = (...names: readonly number[]): Wish[] => names.map((n) => (rev) => put(n, rev));

function makeBus(server: NatsServer, log: Log = silent): NatsBus {
  return new NatsBus({ host: HOST, subjects, servers: { urls: [server.url] }, clock, log, note: () => {} });
}

/** A controller on the bus that answers sync requests from a log in memory. */
async function serve(server: NatsServer, controller: MemoryController, limit = 1000): Promise<NatsConnection> {
  const connection = await connect({
    servers: server.url,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    waitOnFirstConnect: true,
  });
  connection.subscribe(subjects.syncAll, {
    callback: (error, message) => {
      if (error === null) message.respond(encodePage(controller.page(parseSyncRequest(message.data), limit)));
    },
  });
  await connection.flush();
  return connection;
}

/** An agent's intake over a real store and the real bus. */
class Agent implements AsyncDisposable {
  readonly bus: NatsBus;
  readonly again: readonly string[];
  readonly #directory: string;
  readonly #store: SqliteStore;
  readonly #over = new AbortController();
  readonly #running: Promise<void>;
  readonly intake: Intake;

  private constructor(bus: NatsBus, directory: string, store: SqliteStore, intake: Intake, again: readonly string[]) {
    this.bus = bus;
    this.again = again;
    this.#directory = directory;
    this.#store = store;
    this.intake = intake;
    this.#running = intake.run(this.#over.signal);
  }

  static async start(server: NatsServer): Promise<Agent> {
    const bus = makeBus(server);
    const directory = mkdtempSync(join(tmpdir(), 'shunt-bus-'));
    const store = await SqliteStore.open({ directory, host: HOST, migrations: agentMigrations, clock });
    const again: string[] = [];
    const outbox = new BusOutbox();
    outbox.to(bus, { changed: () => {} });
    const intake = new Intake({
      ...{
        host: HOST,
        store,
        bus,
        clock,
        boot: { now: () => ({ boot: 'b1', ms: Math.floor(clock.monotonicMs()) }) },
        log: silent,
        footing: atStart(await store.load(), undefined),
        mark: undefined,
      },
      reconciling: {
        accepted: async () => {},
        held: () => {},
        heard: () => {},
        again: (keys) => again.push(...keys),
        marked: async () => {},
        judge: () => ({}),
        release: async () => 0,
      },
      outbox,
    });
    return new Agent(bus, directory, store, intake, again);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#running;
    await this.bus.close();
    await this.#store.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** A controller and an agent that holds all of its log. */
async function inStep(t: ExecutionContext, server: NatsServer) {
  const controller = new MemoryController(HOST);
  controller.write(puts(1, 2, 3));
  const connection = await serve(server, controller, 2);
  const agent = await Agent.start(server);
  await until(t, 'the first sync', () => agent.intake.state().footing.digest === controller.digest);
  const send = (update: Update): void => connection.publish(subjects.live(HOST), encodeUpdate(update));
  const same = (): boolean =>
    agent.intake.state().footing.digest === controller.digest &&
    agent.intake.state().footing.at.rev === controller.head.rev;
  const dispose = async (): Promise<void> => {
    await agent[Symbol.asyncDispose]();
    await connection.close();
  };
  return { controller, connection, agent, send, same, [Symbol.asyncDispose]: dispose };
}

test('bus: a live update reaches the store', async (t) => {
  await using server = await startNats();
  await using rig = await inStep(t, server);
  const { controller, agent, send, same } = rig;
  const syncedAtMs = agent.intake.state().lastSyncAtMs;
  controller.write(puts(4));
  send(controller.update(3));
  await until(t, 'the update', same);
  t.is(agent.intake.state().lastSyncAtMs, syncedAtMs);
  send(controller.update(3));
  await until(t, 'the repeat', () => agent.again.includes(put(4, 4).key));
});

test('bus: a gap, a hint and another epoch end in a sync', async (t) => {
  await using server = await startNats();
  await using rig = await inStep(t, server);
  const { controller, agent, send, same } = rig;
  controller.write(puts(4));
  controller.write(puts(5));
  send(controller.update(4));
  await until(t, 'the gap', same);
  controller.write(puts(6));
  send(controller.hint());
  await until(t, 'the hint', same);
  controller.restart();
  controller.write(puts(7));
  send({ ...controller.update(6), after: null });
  await until(t, 'the epoch', same);
  t.deepEqual(agent.intake.state().footing.at, controller.head);
});

test('bus: a server that was killed and started again is found, and what was missed is synced', async (t) => {
  await using server = await startNats();
  await using rig = await inStep(t, server);
  const { controller, agent, same } = rig;
  await server.kill();
  await until(t, 'the loss', () => !agent.bus.connected());
  const request = encodeSyncRequest({ v: 1, host: HOST, have: NO_CURSOR, from: NO_CURSOR });
  const error = await t.throwsAsync<BusError>(agent.bus.sync(request, AbortSignal.timeout(9000)));
  t.is(error.code, 'DOWN');
  controller.write(puts(4, 5));
  await server.start();
  const startedMs = performance.now();
  await until(t, 'the sync', same);
  t.log(`in step ${(performance.now() - startedMs).toFixed(0)} ms after the server's start`);
});

test('bus: an agent started before its bus connects when it comes', async (t) => {
  await using server = await startNats();
  await server.kill();
  await using agent = await Agent.start(server);
  await setTimeout(100);
  t.false(agent.bus.connected());
  await server.start();
  const controller = new MemoryController(HOST);
  controller.write(puts(1));
  const connection = await serve(server, controller);
  await until(t, 'the first sync', () => agent.intake.state().footing.digest === controller.digest);
  await connection.close();
});

test('bus: messages that are not ours are refused, counted and told, and change nothing', async (t) => {
  await using server = await startNats();
  await using rig = await inStep(t, server);
  const { controller, connection, agent, send } = rig;
  const events: string[] = [];
  connection.subscribe(subjects.eventAll, { callback: (_, message) => events.push(message.subject) });
  await connection.flush();
  const live = subjects.live(HOST);
  connection.publish(live, 'nonsense');
  connection.publish(live, new Uint8Array(700_000).fill(32));
  connection.publish(live, new Uint8Array(0));
  send({ ...controller.update(0), host: 'h2' });
  await until(t, 'the refusals', () => agent.intake.state().refused.total === 4);
  t.deepEqual(agent.intake.state().refused.byCode, { BAD_JSON: 2, TOO_LARGE: 1, FOREIGN_HOST: 1 });
  await until(t, 'the event', () => events.includes(subjects.event(HOST, 'refused')));
  t.is(agent.intake.state().footing.digest, controller.digest);
});

test('bus: requests without a controller fail at once, and those of a slow one in time', async (t) => {
  await using server = await startNats();
  const bus = makeBus(server);
  await until(t, 'the connection', () => bus.connected());
  const request = encodeSyncRequest({ v: 1, host: HOST, have: NO_CURSOR, from: NO_CURSOR });
  const error = await t.throwsAsync<BusError>(bus.sync(request, AbortSignal.timeout(9000)));
  t.is(error.code, 'NO_RESPONDERS');
  const slow = await connect({ servers: server.url });
  slow.subscribe(subjects.sync(HOST));
  await slow.flush();
  await t.throwsAsync(bus.sync(request, AbortSignal.timeout(50)), { name: 'TimeoutError' });
  const waiting = t.throwsAsync<BusError>(bus.sync(request, AbortSignal.timeout(9000)));
  await server.kill();
  t.is((await waiting).code, 'DOWN');
  await bus.close();
  await slow.close();
});

test('bus: questions are answered into inboxes only, and a fault is an answer', async (t) => {
  await using server = await startNats();
  const bus = makeBus(server);
  const asked: string[] = [];
  bus.onAsk(async (verb) => {
    asked.push(verb);
    if (verb === 'dump') throw new Error('a fault');
    return new TextEncoder().encode('{"v":1}');
  });
  await until(t, 'the connection', () => bus.connected());
  const client = await connect({ servers: server.url });
  const ask = (verb: 'status' | 'dump') => client.request(subjects.ask(HOST, verb), '{"v":1}', { timeout: 600_000 });
  t.is((await ask('status')).string(), '{"v":1}');
  t.like((await ask('dump')).json(), { error: { code: 'INTERNAL' } });
  const stray: string[] = [];
  client.subscribe(subjects.live('h2'), { callback: (_, message) => stray.push(message.subject) });
  client.publish(subjects.ask(HOST, 'status'), '{"v":1}', { reply: subjects.live('h2') });
  await ask('status');
  t.deepEqual(stray, []);
  t.deepEqual(asked, ['status', 'dump', 'status']);
  await bus.close();
  await client.close();
});

test('bus: it says how much the server takes, and what is larger stays here', async (t) => {
  await using server = await startNats('-c', configFile(t, 'max_payload: 4096'));
  const errors: object[] = [];
  const bus = makeBus(server, { ...silent, error: (facts) => errors.push(facts) });
  await until(t, 'the connection', () => bus.connected());
  t.is(bus.maxBytes, 4096);
  const client = await connect({ servers: server.url });
  const heard: number[] = [];
  client.subscribe(subjects.statusAll, { callback: (_, message) => heard.push(message.data.length) });
  await client.flush();
  bus.publish('status', new Uint8Array(4097));
  bus.publish('status', new Uint8Array(4096));
  await until(t, 'the status', () => heard.length > 0);
  t.deepEqual(heard, [4096]);
  t.like(errors, [{ sizeBytes: 4097 }]);
  t.true(bus.connected());
  await bus.close();
  await client.close();
});

test('bus: of a server that takes next to nothing it says that it is too small', async (t) => {
  await using server = await startNats('-c', configFile(t, 'max_payload: 4095'));
  const errors: object[] = [];
  const bus = makeBus(server, { ...silent, error: (facts) => errors.push(facts) });
  await until(t, 'the connection', () => bus.connected());
  t.deepEqual(errors, [{ maxPayloadBytes: 4095, leastBytes: 4096 }]);
  await bus.close();
});

function configFile(t: ExecutionContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'shunt-nats-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'nats.conf');
  writeFileSync(path, text);
  return path;
}
