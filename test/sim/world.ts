import type { Log } from '../../daemon/log.ts';
import type { Status } from '../../protocol/status.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryBus } from '../fakes/memory-bus.ts';
import { MemoryDatabase } from '../fakes/memory-database.ts';
import { Controller } from './controller.ts';
import { Host } from './host.ts';
import type { SqliteDisk } from './sqlite-disk.ts';
import { Trace } from './trace.ts';

/** Agents, a controller and a bus in one process and on one manual clock: whatever happens is a matter of the script. */
export class World {
  readonly clock: ManualClock;
  readonly bus: MemoryBus;
  readonly database: MemoryDatabase;
  readonly controller = new Controller(this);
  readonly hosts = new Map<string, Host>();
  /** Is shown every status as it is sent. */
  onStatus: (status: Status) => void = () => {};
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
  readonly #trace = new Trace();

  private constructor(clock: ManualClock, database: MemoryDatabase) {
    this.clock = clock;
    this.database = database;
    this.bus = new MemoryBus(clock, makeSubjects());
    this.bus.onMessage = (subject, data) => {
      this.messages += 1;
      this.#trace.text(`${clock.nowMs()} ${subject} `);
      this.#trace.bytes(data);
      if (subject.includes('.status.')) this.#note(JSON.parse(Buffer.from(data).toString()));
    };
  }

  #note(status: Status): void {
    this.statuses.set(status.host, status);
    const host = this.hosts.get(status.host);
    host?.silence.said(status);
    host?.time.spoke();
    this.onStatus(status);
  }

  static async make(clock = new ManualClock()): Promise<World> {
    return new World(clock, await MemoryDatabase.make(clock));
  }

  host(name: string, labels: Readonly<Record<string, string>> = {}, disk?: SqliteDisk): Host {
    const host = new Host(this, name, labels, disk);
    this.hosts.set(name, host);
    return host;
  }

  /** Sends a request as a command does. */
  api(verb: string, request: Uint8Array, { api } = this.bus.subjects): Promise<Uint8Array> {
    const subject = api(verb);
    return this.bus.request(subject, request, '_INBOX.operator');
  }

  /** One digest of every message, and of every op that was asked of a kernel, in their order. */
  traceOf(): string {
    const hosts = [...this.hosts];
    return this.#trace.digest(
      hosts.flatMap(([name, { kernel }]) => kernel.asked.map((op) => `${name} ${JSON.stringify(op, plain)}`)),
    );
  }

  /** Lets time pass until something is done. */
  async passing<T>(work: Promise<T>): Promise<T> {
    let over = false;
    const done = work.finally(() => {
      over = true;
    });
    done.catch(() => {}); // whoever waits below has it
    for (let waited = 0; !over && waited < 1000; waited += 1) await this.clock.pass(1);
    if (!over) throw new Error('it takes more than a second');
    return await done;
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
