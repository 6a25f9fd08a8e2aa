import { type Ports, portsOver } from '../../controller/open.ts';
import { ApiService } from '../../controller/serve/api-service.ts';
import { keepHouse } from '../../controller/serve/keep-house.ts';
import { Publisher } from '../../controller/serve/publisher.ts';
import { Refusals } from '../../controller/serve/refusals.ts';
import { StatusIntake } from '../../controller/serve/status-intake.ts';
import { SyncService } from '../../controller/serve/sync-service.ts';
import { ControllerBus } from '../fakes/memory-bus.ts';
import { Mortal } from './mortal.ts';
import type { World } from './world.ts';

/** A controller; its database outlives it, and others may work on that, too. */
export class Controller extends Mortal {
  readonly #world: World;
  #ports: Ports | undefined;
  #bus: ControllerBus | undefined;

  constructor(world: World) {
    super();
    this.#world = world;
  }

  get ports(): Ports {
    if (this.#ports === undefined) throw new Error('the controller is not started');
    return this.#ports;
  }

  async start(): Promise<void> {
    const { bus: server, database } = this.#world;
    const { subjects } = server;
    const own = new ControllerBus(server);
    this.#bus = own;
    const { life, signal } = this.begin(() => own.close());
    const [clock, log, bus] = [life.guard(this.#world.clock), life.guard(this.#world.log), life.guard(own)];
    const ports = await portsOver(database.open(life), database.tables, clock, (error) => {
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
    const house = keepHouse({ upkeep: roster, clock, log, onChange }, signal);
    this.run(publisher.run(signal), intake.run(signal), house);
    this.#ports = ports;
  }

  async stop(): Promise<void> {
    this.#bus?.close();
    if (await this.finish()) await this.#ports?.[Symbol.asyncDispose]();
    this.#ports = undefined;
  }
}
