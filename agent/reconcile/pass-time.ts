import type { KernelClock, KernelTime } from '../ports.ts';

/** What time it is in a pass: the kernel's clock is read once, by who needs it first. Errors: KernelError. */
export class PassTime implements KernelTime {
  readonly nowMs: number;
  readonly #clock: Pick<KernelClock, 'now'>;
  #read: KernelTime | undefined;

  constructor(clock: Pick<KernelClock, 'now'>, nowMs: number) {
    this.#clock = clock;
    this.nowMs = nowMs;
  }

  get jiffies(): bigint {
    return this.#time.jiffies;
  }

  get hz(): number {
    return this.#time.hz;
  }

  get #time(): KernelTime {
    this.#read ??= this.#clock.now();
    return this.#read;
  }
}
