import { makeSubjects } from '../../protocol/subjects.ts';
import { MemoryDatabase } from '../fakes/memory-database.ts';
import { Controller } from './controller.ts';
import { aheadOf } from './seeded-clock.ts';
import type { World } from './world.ts';

/** Somebody else's controller, on the same bus and with a database of its own; its operators ask it below other subjects. */
export class Strangers {
  readonly subjects = makeSubjects('strangers.v1');
  readonly database: MemoryDatabase;
  readonly #controller: Controller;
  /** Whether they ever were on the bus: hosts may follow them since. */
  came = false;

  private constructor(world: World, database: MemoryDatabase, aheadMs: number) {
    this.database = database;
    const clock = aheadOf(world.clock, () => aheadMs);
    this.#controller = new Controller(world, { database, api: this.subjects, clock });
  }

  /** Its wall clock is so far ahead of the others'; negative: behind. */
  static async join(world: World, aheadMs: number): Promise<Strangers> {
    return new Strangers(world, await MemoryDatabase.make(world.clock), aheadMs);
  }

  /** Their controller starts, unless it runs. */
  async start(): Promise<void> {
    this.came = true;
    if (this.#controller.bury()) await this.#controller.start();
  }

  /** It dies; answers false where it did not run. */
  end(): boolean {
    if (!this.#controller.runs) return false;
    this.#controller.kill();
    return this.#controller.bury();
  }
}
