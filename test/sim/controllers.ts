import { Controller } from './controller.ts';
import type { World } from './world.ts';

/** Two controllers on one database. */
export class Controllers implements Iterable<Controller> {
  readonly #world: World;
  readonly #all: readonly Controller[];

  constructor(world: World) {
    this.#world = world;
    this.#all = [world.controller, new Controller(world)];
  }

  [Symbol.iterator](): Iterator<Controller> {
    return this.#all.values();
  }

  at(which: number): Controller | undefined {
    return this.#all[which];
  }

  /** Unless it runs. Who held the database for himself has let go of it by then. */
  async start(which: number): Promise<void> {
    const controller = this.#all[which];
    if (!controller?.bury()) return;
    this.#world.database.busy = 0;
    await controller.start();
  }

  /** They are to live on, and all of them run. */
  async spare(): Promise<void> {
    for (const controller of this.#all) controller.spare();
    for (const which of this.#all.keys()) await this.start(which);
  }

  kill(): void {
    for (const controller of this.#all) controller.kill();
  }

  bury(): void {
    for (const controller of this.#all) controller.bury();
  }

  /** Drops what is no longer needed, which takes ten minutes of waiting otherwise; answers false where none runs. */
  tidy(): boolean {
    const controller = this.#all.find(({ runs }) => runs);
    controller?.ports.roster.tidy().catch(() => {}); // it may die of it
    return controller !== undefined;
  }
}
