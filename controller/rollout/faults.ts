import type { Rollout } from '../model/rollout.ts';

/** Keeps what goes wrong with one of several rollouts from the others, and the first of it, to be told. */
export class Faults {
  #first: Error | undefined;

  get first(): Error | undefined {
    return this.#first;
  }

  /** Undefined where the work failed. */
  async keep<T>({ id }: Pick<Rollout, 'id'>, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#first ??= new Error(`rollout ${id}: ${why}`, { cause: error });
      return undefined;
    }
  }
}
