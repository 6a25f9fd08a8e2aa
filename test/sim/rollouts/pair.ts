import { PACE, type Pace } from '../../../controller/rollout/pace.ts';
import { Controller } from '../controller.ts';
import type { World } from '../world.ts';
import { Freezer } from './freezer.ts';

/** As ever, but that a soak may be as short as a schedule says. */
const PACE_HERE: Pace = { ...PACE, soaks: { defaultMs: 10_000, leastMs: 0 } };

/** Two controllers on one database, each of which may die, or stop for a while. */
export class Pair {
  readonly #world: World;
  readonly #all: readonly { readonly controller: Controller; readonly freezer: Freezer }[];
  /** Whose transaction the last one is. */
  writer = 0;
  #awakeMs = 0;
  #sinceMs = 0;

  constructor(world: World) {
    this.#world = world;
    this.#all = [0, 1].map((which) => {
      const freezer = new Freezer(() => {
        this.writer = which;
      });
      const { tables } = world.database;
      const database = {
        tables,
        open: (...of: Parameters<typeof world.database.open>) => freezer.database(world.database.open(...of)),
      };
      const seat = { database, api: world.bus.subjects, clock: freezer.clock(world.clock), pace: PACE_HERE };
      return { controller: new Controller(world, seat), freezer };
    });
  }

  /** For how long at least one of them has worked. */
  awakeMs(): number {
    const nowMs = this.#world.clock.monotonicMs();
    const isAwake = this.#all.some(({ controller, freezer }) => controller.runs && !freezer.isFrozen);
    if (isAwake) this.#awakeMs += nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
    return this.#awakeMs;
  }

  async start(which: number): Promise<void> {
    const { controller, freezer } = this.#at(which);
    if (!controller.bury()) return;
    freezer.forget();
    await controller.start();
  }

  /** It dies, now or where it has waited so often from now on. */
  kill(which: number, waits: number): void {
    this.#at(which).controller.kill(waits);
  }

  freeze(which: number, waits: number): void {
    this.awakeMs();
    this.#at(which).freezer.freeze(waits);
  }

  thaw(which: number): void {
    const { controller, freezer } = this.#at(which);
    this.awakeMs();
    if (controller.runs) freezer.thaw();
  }

  /** Those that died are buried. */
  bury(): void {
    for (const { controller } of this.#all) controller.bury();
  }

  /** They are to live on, and both run. */
  async spare(): Promise<void> {
    for (const [which, { controller, freezer }] of this.#all.entries()) {
      controller.spare();
      if (controller.runs) freezer.thaw();
      await this.start(which);
    }
  }

  /** Drops what is no longer needed. */
  tidy(): void {
    const { controller } = this.#all.find(({ controller: { runs }, freezer }) => runs && !freezer.isFrozen) ?? {};
    controller?.ports.roster.tidy().catch(() => {}); // it may die of it
  }

  runs(which: number): boolean {
    return this.#at(which).controller.runs;
  }

  /** Whether it does what comes. */
  works(which: number): boolean {
    return this.runs(which) && !this.isFrozen(which);
  }

  isFrozen(which: number): boolean {
    return this.#at(which).freezer.isFrozen;
  }

  /** How often one waits yet until it dies, and until it stops, as it was told. */
  waitsLeft(which: number): { readonly dies: number; readonly stops: number } {
    const { controller, freezer } = this.#at(which);
    return { dies: controller.waitsLeft, stops: freezer.waitsLeft };
  }

  end(which?: number): void {
    for (const { controller } of which === undefined ? this.#all : [this.#at(which)]) {
      controller.kill();
      controller.bury();
    }
  }

  #at(which: number) {
    const found = this.#all[which];
    if (found === undefined) throw new RangeError(`controller ${which}`);
    return found;
  }
}
