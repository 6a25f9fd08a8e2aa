/** Does pieces of work one after the other, in the order in which they came, whoever asks for them. */
export class OneByOne {
  #last: Promise<unknown> = Promise.resolve();

  /** Errors: those of the work, which hinder none that comes after. */
  do<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}
