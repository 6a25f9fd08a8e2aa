import { Bus, type BusOptions } from './client.ts';

/** A bus for as long as something is looked at: the connection is made anew after it was of no use. */
export class Source implements AsyncDisposable {
  readonly #options: BusOptions;
  #bus: Bus | undefined;

  constructor(options: BusOptions) {
    this.#options = options;
  }

  /** Errors: Failure. */
  async ask<T>(question: (bus: Bus) => Promise<T>): Promise<T> {
    this.#bus ??= await Bus.open(this.#options);
    try {
      return await question(this.#bus);
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const bus = this.#bus;
    this.#bus = undefined;
    await bus?.[Symbol.asyncDispose]();
  }
}
