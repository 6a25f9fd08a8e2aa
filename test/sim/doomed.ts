import type { Mortal } from './mortal.ts';
import type { Act } from './schedule.ts';

/** Who is to die where it waits next or works next, and by which act. */
export class Doomed {
  readonly #acts = new Map<Mortal, Act['act']>();

  add(mortal: Mortal, act: Act['act']): void {
    if (mortal.runs) this.#acts.set(mortal, act);
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
