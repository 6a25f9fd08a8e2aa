import { createHash } from 'node:crypto';
import { CAN } from '../../agent/model/can.ts';
import { serve } from '../../agent/serve.ts';
import { type Ports, portsOver } from '../../controller/open.ts';
import { ApiService } from '../../controller/serve/api-service.ts';
import { keepHouse } from '../../controller/serve/keep-house.ts';
import { Publisher } from '../../controller/serve/publisher.ts';
import { Refusals } from '../../controller/serve/refusals.ts';
import { StatusIntake } from '../../controller/serve/status-intake.ts';
import { SyncService } from '../../controller/serve/sync-service.ts';
import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import { parseStatus, type Status } from '../../protocol/status.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { AgentBus, ControllerBus, MemoryBus } from '../fakes/memory-bus.ts';
import { MemoryDatabase } from '../fakes/memory-database.ts';
import { MemoryKernel } from '../fakes/memory-kernel.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { MemoryTimes } from '../fakes/memory-times.ts';

/** What runs until it is told to end; an error of it is an error of the world. */
class Process {
  readonly #end = new AbortController();
  #done: Promise<unknown> = Promise.resolve();

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  run(...loops: readonly Promise<void>[]): void {
    this.#done = Promise.all([this.#done, ...loops]);
    this.#done.catch(() => {}); // `end` has it
  }

  async end(): Promise<void> {
    this.#end.abort();
    await this.#done;
  }
}

/** A host: its kernel and its disk outlive its agent. */
export class Host {
  readonly kernel: MemoryKernel;
  times = new MemoryTimes();
  /** By how much its wall clock is ahead of the controller's; negative: behind. */
  aheadMs = 0;
  readonly store = new MemoryStore();
  readonly #name: string;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #world: World;
  #process: Process | undefined;

  constructor(world: World, name: string, labels: Readonly<Record<string, string>>) {
    this.#world = world;
    this.#name = name;
    this.#labels = labels;
    this.kernel = new MemoryKernel({ slots: 64, monotonicMs: () => world.clock.monotonicMs() });
    this.kernel.netdev('eth0', { ifindex: 2, attached: 'native', zone: 1 });
    this.kernel.netdev('eth1', { ifindex: 3 });
    this.kernel.route('192.0.2.7', 'eth1');
    this.kernel.neighbour('eth1', '192.0.2.7', '02:00:00:00:01:07');
  }

  start(): void {
    const { clock, bus: server, log } = this.#world;
    const process = new Process();
    const own: Clock = {
      nowMs: () => clock.nowMs() + this.aheadMs,
      monotonicMs: () => clock.monotonicMs(),
      delay: clock.delay,
      turn: () => clock.turn(),
      random: () => clock.random(),
      token: (bytes) => clock.token(bytes),
    };
    const identity = {
      host: this.#name,
      boot: clock.token(4),
      agent: '0.0.0',
      can: CAN,
      labels: this.#labels,
      interfaces: [],
    };
    const { kernel, store, times } = this;
    const connect = () => new AgentBus(server, this.#name);
    const parts = { identity, store, kernel, times, clock: own, log, connect };
    process.run(serve({ ...parts, reopen: async () => kernel.reopen() }, process.signal));
    this.#process = process;
  }

  async stop(): Promise<void> {
    await this.#process?.end();
  }
}

/** A controller; its database outlives it. */
export class Controller {
  readonly #world: World;
  #ports: Ports | undefined;
  #process: Process | undefined;
  #bus: ControllerBus | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  get ports(): Ports {
    if (this.#ports === undefined) throw new Error('the controller is not started');
    return this.#ports;
  }

  async start(): Promise<void> {
    const { clock, bus: server, database, log } = this.#world;
    const { subjects } = server;
    const [process, bus] = [new Process(), new ControllerBus(server)];
    const ports = await portsOver(database.open(), database.tables, clock, (error) => {
      throw error;
    });
    const { desk, logs, roster } = ports;
    const of = { bus, subjects, clock, log };
    const publisher = await Publisher.begin({ ...of, logs });
    const onChange = (): void => publisher.wake();
    const refusals = new Refusals(log, clock);
    const intake = new StatusIntake({ ...of, roster, refusals, onChange });
    const sync = new SyncService({ ...of, logs, refusals });
    const api = new ApiService({ ...of, desk, onChange });
    bus.subscribe(subjects.syncAll, (message) => sync.receive(message), 'controller');
    bus.subscribe(subjects.statusAll, (message) => intake.receive(message));
    bus.subscribe(subjects.apiAll, (message) => api.receive(message), 'controller');
    const house = keepHouse({ upkeep: roster, clock, log, onChange }, process.signal);
    process.run(publisher.run(process.signal), intake.run(process.signal), house);
    this.#ports = ports;
    this.#process = process;
    this.#bus = bus;
  }

  async stop(): Promise<void> {
    this.#bus?.close();
    await this.#process?.end();
    await this.#ports?.[Symbol.asyncDispose]();
  }
}

/** Agents, a controller and a bus in one process and on one manual clock: whatever happens is a matter of the script. */
export class World {
  readonly clock: ManualClock;
  readonly bus: MemoryBus;
  readonly database: MemoryDatabase;
  readonly controller = new Controller(this);
  readonly hosts = new Map<string, Host>();
  messages = 0;
  /** What agents and controllers logged as errors. */
  readonly errors: unknown[] = [];
  readonly log: Log = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (...entry: unknown[]) => void this.errors.push(entry),
  };
  /** The newest of each host. */
  readonly statuses = new Map<string, Status>();
  readonly #trace = createHash('sha256');

  private constructor(clock: ManualClock, database: MemoryDatabase) {
    this.clock = clock;
    this.database = database;
    this.bus = new MemoryBus(clock, makeSubjects());
    this.bus.onMessage = (subject, data) => {
      this.messages += 1;
      this.#trace.update(`${clock.nowMs()} ${subject} `).update(data);
      if (subject.includes('.status.')) this.#note(parseStatus(data));
    };
  }

  #note(status: Status): void {
    this.statuses.set(status.host, status);
  }

  static async make(): Promise<World> {
    const clock = new ManualClock();
    return new World(clock, await MemoryDatabase.make(clock));
  }

  host(name: string, labels: Readonly<Record<string, string>> = {}): Host {
    const host = new Host(this, name, labels);
    this.hosts.set(name, host);
    return host;
  }

  /** Sends a request as a command does. */
  api(verb: string, request: Uint8Array): Promise<Uint8Array> {
    const subject = this.bus.subjects.api(verb);
    return this.bus.request(subject, request, '_INBOX.operator', AbortSignal.any([]));
  }

  /** One digest of every message, and of every op that was asked of a kernel, in their order. */
  traceOf(): string {
    const trace = this.#trace.copy();
    for (const [name, { kernel }] of this.hosts) {
      for (const op of kernel.asked) trace.update(`${name} ${JSON.stringify(op, plain)}`);
    }
    return trace.digest('hex');
  }

  async end(): Promise<void> {
    for (const host of this.hosts.values()) await host.stop();
    await this.controller.stop();
    await this.database.close();
  }
}

function plain(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
