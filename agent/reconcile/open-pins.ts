import type { Log } from '../../daemon/log.ts';
import { KernelError, PinsLostError } from '../model/kernel-error.ts';
import type { ReconcilerOptions } from './reconciler-options.ts';

export interface OpenPinsParts extends Pick<ReconcilerOptions, 'kernel' | 'reopen' | 'follow'> {
  readonly log: Pick<Log, 'error' | 'warn' | 'info'>;
  /** Begins anew with what is open now. Errors: KernelError. */
  readonly renew: () => Promise<void>;
}

/** The pins that are open: whether they are lost, which is that they are gone or others now, and what takes their place. */
export class OpenPins {
  readonly #parts: OpenPinsParts;
  /** Each reason why they cannot be opened is logged once. */
  #why: string | undefined;

  constructor(parts: OpenPinsParts) {
    this.#parts = parts;
  }

  get lost(): boolean {
    return this.#why !== undefined;
  }

  /** Takes an error; answers whether lost pins are why. */
  explain(error: unknown): boolean {
    if (!(error instanceof KernelError && this.#comesOfIt(error))) return false;
    if (this.#why !== error.message) this.#parts.log.error({ error }, 'the pins are lost; waiting for them');
    this.#why = error.message;
    return true;
  }

  /** Begins anew with what is pinned now. Errors: KernelError while nothing is. */
  async regain(): Promise<void> {
    await this.#parts.reopen();
    await this.#parts.renew();
    if (!this.lost) return;
    this.#why = undefined;
    this.#parts.log.info({}, 'there are pins again');
  }

  /** Goes on with the maps that take the place of these, once it has them whole. Answers whether packets meet them now. */
  async follow(): Promise<boolean> {
    const { follow, kernel, log } = this.#parts;
    const followed = follow?.() ?? 'same';
    if (followed !== 'other') return followed === 'arrived';
    try {
      await this.regain();
      log.info({ pins: kernel.pins }, 'other maps take the place of those before: filling them');
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      log.warn({ error }, 'maps that are to take the place of these cannot be had yet');
    }
    return false;
  }

  /** Whatever the kernel did not do may come of it. */
  #comesOfIt(error: KernelError): boolean {
    if (error instanceof PinsLostError || this.lost) return true;
    try {
      this.#parts.kernel.net.network();
      return false;
    } catch (now) {
      return now instanceof PinsLostError;
    }
  }
}
