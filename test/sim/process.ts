/** What runs until it is told to end; an error of it is an error of the world. */
export class Process {
  readonly #end = new AbortController();
  #done: Promise<unknown> = Promise.resolve();

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  run(...loops: readonly Promise<void>[]): void {
    this.#done = Promise.all([this.#done, ...loops]);
    this.#done.catch(() => {}); // `end` has it
  }

  async end(): Promise<void> {
    this.#end.abort();
    await this.#done;
  }
}
