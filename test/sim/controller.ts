import { type Ports, portsOver } from '../../controller/open.ts';
import { ApiService } from '../../controller/serve/api-service.ts';
import { keepHouse } from '../../controller/serve/keep-house.ts';
import { Publisher } from '../../controller/serve/publisher.ts';
import { Refusals } from '../../controller/serve/refusals.ts';
import { StatusIntake } from '../../controller/serve/status-intake.ts';
import { SyncService } from '../../controller/serve/sync-service.ts';
import { ControllerBus } from '../fakes/memory-bus.ts';
import { Life } from './life.ts';
import { Process } from './process.ts';
import type { World } from './world.ts';

/** A controller; its database outlives it, and others may work on that, too. */
export class Controller {
  readonly #world: World;
  #ports: Ports | undefined;
  #process: Process | undefined;
  #bus: ControllerBus | undefined;
  #life = new Life();

  constructor(world: World) {
    this.#world = world;
  }

  get ports(): Ports {
    if (this.#ports === undefined) throw new Error('the controller is not started');
    return this.#ports;
  }

  /** Whether it was started, and neither stopped nor killed. */
  get runs(): boolean {
    return this.#process !== undefined && !this.#life.ended;
  }

  async start(): Promise<void> {
    const { bus: server, database } = this.#world;
    const { subjects } = server;
    const life = new Life();
    const [process, own] = [new Process(), new ControllerBus(server)];
    this.#life = life;
    this.#process = process;
    this.#bus = own;
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
    const house = keepHouse({ upkeep: roster, clock, log, onChange }, process.signal);
    process.run(publisher.run(process.signal), intake.run(process.signal), house);
    this.#ports = ports;
  }

  async stop(): Promise<void> {
    this.#bus?.close();
    const process = this.#life.ended ? undefined : this.#process;
    this.#process = undefined;
    await process?.end();
    if (!this.#life.ended) await this.#ports?.[Symbol.asyncDispose]();
    this.#ports = undefined;
  }

  /** It dies, now or where it has waited so often from now on. */
  kill(waits = 0): void {
    if (waits === 0) this.#life.end();
    else this.#life.endAfter(waits);
  }

  /** It is not to die after all. */
  spare(): void {
    this.#life.endAfter(Number.POSITIVE_INFINITY);
  }

  /** What a dead one leaves: its connection ends. Answers whether it is dead. */
  bury(): boolean {
    if (this.#process === undefined || !this.#life.ended) return this.#process === undefined;
    this.#process = undefined;
    this.#bus?.close();
    return true;
  }
}
