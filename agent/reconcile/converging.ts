import type { Intent } from '../../protocol/intent.ts';
import type { EntryState } from '../model/state.ts';
import type { Kernel } from '../ports.ts';
import { Convergence } from './convergence.ts';
import type { ObservedCache } from './observed-cache.ts';
import type { Against } from './plan-input.ts';

/** What converges at the time: maps that take the place of others come with another one, which goes on from where that was. */
export class Converging {
  readonly #kernel: Kernel;
  readonly #against: Against;
  #now: Convergence;

  /** Errors: KernelError. */
  constructor(
    kernel: Kernel,
    intents: readonly Intent[],
    states: readonly EntryState[],
    against: Against,
    observed?: ObservedCache,
  ) {
    this.#kernel = kernel;
    this.#against = against;
    this.#now = new Convergence(kernel, intents, states, against, observed);
  }

  get now(): Convergence {
    return this.#now;
  }

  /** Goes on with the maps that the kernel has now. Errors: KernelError; then those of before are kept. */
  renew(): void {
    const { ledger, deleteAbsent } = this.#now;
    const [intents, states] = [[...ledger.desired.values()], [...ledger.states.values()]];
    this.#now = new Convergence(this.#kernel, intents, states, this.#against);
    this.#now.deleteAbsent = deleteAbsent;
  }
}
