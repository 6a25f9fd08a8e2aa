import type { EntryState } from '../model/state.ts';
import type { Convergence } from './convergence.ts';
import type { Outcomes } from './outcomes.ts';
import type { Sight } from './sight.ts';

export interface GivingUpParts {
  readonly outcomes: Pick<Outcomes, 'ahead'>;
  /** Looks at what can be seen, this moment. */
  readonly look: () => Pick<Sight, 'since'>;
}

/**
 * What the disk has to know before the kernel does: that a redirect is given up in silence, that it is armed again, that its
 * slot is another's. What the disk does not take is not done.
 */
export class GivingUp {
  readonly #parts: GivingUpParts;
  /** Keys that somebody wants armed again. */
  #asked: readonly string[] = [];

  constructor(parts: GivingUpParts) {
    this.#parts = parts;
  }

  /** True while there are keys to arm again. */
  get pending(): boolean {
    return this.#asked.length > 0;
  }

  arm(keys: readonly string[]): void {
    this.#asked = [...this.#asked, ...keys];
  }

  /** Errors: StoreError when the store is lost. */
  async prepare(convergence: Convergence, nowMs: number): Promise<void> {
    await this.#arm(convergence, nowMs);
    await this.#giveUp(convergence, nowMs);
    await this.#giveSlots(convergence);
  }

  async #arm(convergence: Convergence, nowMs: number): Promise<void> {
    const asked = this.#asked;
    this.#asked = [];
    const { states } = convergence.ledger;
    const idle = [...new Set(asked)].flatMap((key) => states.get(key) ?? []).filter(({ state }) => state === 'idle');
    const rows = idle.map(({ key, rev, slot }): EntryState => ({ key, rev, slot, state: 'pending', sinceMs: nowMs }));
    if (await this.#stored(rows, convergence)) convergence.silence.arm(rows);
  }

  async #giveUp(convergence: Convergence, nowMs: number): Promise<void> {
    if (!convergence.silence.isDue) return;
    const rows = convergence.silence.find(this.#parts.look(), nowMs);
    if (await this.#stored(rows, convergence)) convergence.silence.giveUp(rows);
  }

  async #giveSlots(convergence: Convergence): Promise<void> {
    const rows = convergence.silence.spare();
    if (await this.#stored(rows, convergence)) convergence.silence.giveAway(rows);
  }

  async #stored(rows: readonly EntryState[], { ledger }: Convergence): Promise<boolean> {
    if (rows.length === 0) return false;
    return await this.#parts.outcomes.ahead(rows, (key) => ledger.states.get(key));
  }
}
