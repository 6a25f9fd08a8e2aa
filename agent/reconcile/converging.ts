import type { Clock } from '../../daemon/clock.ts';
import { inTurns } from '../../daemon/parts.ts';
import type { Kernel } from '../ports.ts';
import { Convergence } from './convergence.ts';
import type { Against } from './plan-input.ts';

/** What converges at the time: maps that take the place of others come with another one, which goes on from where that was. */
export class Converging {
  readonly #kernel: Kernel;
  readonly #against: Against;
  #now: Convergence;
  /** Keys to be looked at again once there is another one. */
  #again: string[] | undefined;

  constructor(kernel: Kernel, against: Against, now: Convergence) {
    this.#kernel = kernel;
    this.#against = against;
    this.#now = now;
  }

  get now(): Convergence {
    return this.#now;
  }

  /** Other maps are open by now than those that it is of. */
  get renewing(): boolean {
    return this.#again !== undefined;
  }

  /** Looks at these keys again, in the kernel first. */
  again(keys: readonly string[]): void {
    this.#now.again(keys);
    this.#again?.push(...keys);
  }

  /**
   * Goes on with the maps that the kernel has now; nobody makes a pass until it resolves, but what is desired may change.
   * Errors: KernelError; then those of before are kept.
   */
  async renew(clock: Pick<Clock, 'turn'>): Promise<void> {
    this.#again = [];
    try {
      const next = await this.#next(() => clock.turn());
      next.ledger.catchUp(this.#now.ledger);
      next.deleteAbsent = this.#now.deleteAbsent;
      next.again(this.#again);
      this.#now = next;
    } finally {
      this.#again = undefined;
    }
  }

  async #next(turn: () => Promise<void>): Promise<Convergence> {
    const { ledger } = this.#now;
    const [intents, states] = [[...ledger.desired.values()], [...ledger.states.values()]];
    return await inTurns(Convergence.on(this.#kernel, intents, states, this.#against), turn);
  }
}
