import type { Log } from '../../daemon/log.ts';
import { KernelError, PinsLostError } from '../model/kernel-error.ts';
import type { Net } from '../ports.ts';

/** Whether the pins are lost: gone, or others now. Each reason why they cannot be opened is logged once. */
export class LostPins {
  readonly #net: () => Pick<Net, 'network'>;
  readonly #log: Pick<Log, 'error' | 'info'>;
  #why: string | undefined;

  /** `net`: that of the pins that are open. */
  constructor(net: () => Pick<Net, 'network'>, log: Pick<Log, 'error' | 'info'>) {
    this.#net = net;
    this.#log = log;
  }

  get lost(): boolean {
    return this.#why !== undefined;
  }

  /** Takes an error; answers whether lost pins are why. */
  explain(error: unknown): boolean {
    if (!(error instanceof KernelError && this.#comesOfIt(error))) return false;
    if (this.#why !== error.message) this.#log.error({ error }, 'the pins are lost; waiting for them');
    this.#why = error.message;
    return true;
  }

  found(): void {
    if (!this.lost) return;
    this.#why = undefined;
    this.#log.info({}, 'there are pins again');
  }

  /** Whatever the kernel did not do may come of it. */
  #comesOfIt(error: KernelError): boolean {
    if (error instanceof PinsLostError || this.lost) return true;
    try {
      this.#net().network();
      return false;
    } catch (now) {
      return now instanceof PinsLostError;
    }
  }
}
