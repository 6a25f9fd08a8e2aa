import type { Mortal } from './mortal.ts';
import type { Act } from './schedule.ts';

/** Who is to die where it waits next or works next, and by which act. */
export class Doomed {
  readonly #acts = new Map<Mortal, Act['act']>();

  /** Has it die as `how` says. Answers false: an act has fired once somebody has died of it. */
  of<M extends Mortal>(mortal: M | undefined, { act }: Act, how: (mortal: M) => void): false {
    if (mortal?.runs) this.#acts.set(mortal, act);
    if (mortal !== undefined) how(mortal);
    return false;
  }

  /** The acts of which somebody has died; each is told once. */
  *died(): Iterable<Act['act']> {
    for (const [mortal, act] of this.#acts) {
      if (!mortal.died) continue;
      this.#acts.delete(mortal);
      yield act;
    }
  }

  clear(): void {
    this.#acts.clear();
  }
}
