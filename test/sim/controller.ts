import { type Ports, portsOver } from '../../controller/open.ts';
import { RolloutEngine } from '../../controller/rollout/engine.ts';
import type { Pace } from '../../controller/rollout/pace.ts';
import { ApiService } from '../../controller/serve/api-service.ts';
import { keepHouse } from '../../controller/serve/keep-house.ts';
import { Publisher } from '../../controller/serve/publisher.ts';
import { Refusals } from '../../controller/serve/refusals.ts';
import { RolloutCounts } from '../../controller/serve/rollout-counts.ts';
import { StatusIntake } from '../../controller/serve/status-intake.ts';
import { SyncService } from '../../controller/serve/sync-service.ts';
import { Traffic } from '../../controller/serve/traffic.ts';
import type { Database } from '../../controller/store/session.ts';
import type { Clock } from '../../daemon/clock.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { ControllerBus } from '../fakes/memory-bus.ts';
import type { Holder, MemoryDatabase } from '../fakes/memory-database.ts';
import { NO_COUNTING } from '../fakes/no-counting.ts';
import { Mortal } from './mortal.ts';
import type { World } from './world.ts';

/** The database of a controller, and below which subjects operators ask it. */
export interface Seat {
  readonly database: Pick<MemoryDatabase, 'tables'> & { open(holder: Holder): Database };
  readonly api: Subjects;
  readonly clock: Clock;
  /** How fast rollouts go; without it, nobody looks after them. */
  readonly pace?: Pace;
}

/** A controller; its database outlives it, and others may work on that, too. */
export class Controller extends Mortal {
  readonly #world: World;
  readonly #seat: Seat | undefined;
  #ports: Ports | undefined;
  #bus: ControllerBus | undefined;

  /** Without a seat of its own it is one of the world's. */
  constructor(world: World, seat?: Seat) {
    super();
    this.#world = world;
    this.#seat = seat;
  }

  get ports(): Ports {
    if (this.#ports === undefined) throw new Error('the controller is not started');
    return this.#ports;
  }

  async start(): Promise<void> {
    const { bus: server } = this.#world;
    const seat: Seat = this.#seat ?? { ...this.#world, api: server.subjects };
    const { database, clock: own, api: asked, pace } = seat;
    const { subjects } = server;
    const connection = new ControllerBus(server);
    this.#bus = connection;
    const { life, signal } = this.begin(() => connection.close());
    const [clock, log, bus] = [life.guard(own), life.guard(this.#world.log), life.guard(connection)];
    const ports = await portsOver(database.open(life), database.tables, clock, (error) => {
      throw error;
    });
    const { desk, logs, roster } = ports;
    const of = { bus, subjects, clock, log };
    const publisher = await Publisher.begin({ ...of, logs });
    const onChange = (): void => publisher.wake();
    const refusals = new Refusals(log, clock);
    const traffic = new Traffic(clock);
    const intake = new StatusIntake({ ...of, traffic, roster, refusals, onChange });
    const sync = new SyncService({ ...of, logs, refusals });
    const counts = new RolloutCounts(of);
    const rollouts = ports.rollouts(pace === undefined ? NO_COUNTING : counts, pace);
    const engine = new RolloutEngine({ rollouts, clock, log, tickMs: pace?.tickMs ?? 0, onChange });
    const onOrder = (): void => {
      publisher.wake();
      engine.wake();
    };
    const api = new ApiService({ ...{ ...of, traffic, desk, rollouts }, subjects: asked, onChange: onOrder });
    bus.subscribe(subjects.syncAll, (message) => sync.receive(message), 'controller');
    bus.subscribe(subjects.statusAll, (message) => intake.receive(message));
    bus.subscribe(asked.apiAll, (message) => api.receive(message), 'controller');
    const house = keepHouse({ upkeep: roster, clock, log, onChange }, signal);
    const looksAfter = pace === undefined ? [] : [counts.run(signal), engine.run(signal)];
    this.run(publisher.run(signal), intake.run(signal), house, ...looksAfter);
    this.#ports = ports;
  }

  async stop(): Promise<void> {
    this.#bus?.close();
    if (await this.finish()) await this.#ports?.[Symbol.asyncDispose]();
    this.#ports = undefined;
  }
}
