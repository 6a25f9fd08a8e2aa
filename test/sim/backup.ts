import type { Oracle } from './oracle.ts';
import type { World } from './world.ts';

/** A copy of the controllers' database, and what was in effect when it was made. */
export class Backup {
  readonly #world: World;
  readonly #oracle: Oracle;
  #kept: { readonly data: Buffer; readonly back: () => void } | undefined;
  /** Whether it was ever put back: a host may know more than its controller then. */
  restored = false;

  constructor(world: World, oracle: Oracle) {
    this.#world = world;
    this.#oracle = oracle;
  }

  get exists(): boolean {
    return this.#kept !== undefined;
  }

  keep(): void {
    this.#kept = { data: this.#world.database.snapshot(), back: this.#oracle.copy() };
  }

  /** No controller runs on it meanwhile. */
  restore(): void {
    if (this.#kept === undefined) return;
    this.#world.database.restore(this.#kept.data);
    this.#kept.back();
    this.restored = true;
  }
}
