/** Lets one loop sleep until a time or until it is woken; a wake-up while it is awake counts for its next sleep. */
export class Waker {
  #woken = Promise.withResolvers<void>();

  wake(): void {
    this.#woken.resolve();
  }

  /** Sleeps at most so long. `delay` is the clock's. Rejects when the signal aborts. */
  async sleep(
    delay: (delayMs: number, signal: AbortSignal) => Promise<void>,
    delayMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const over = new AbortController();
    try {
      await Promise.race([this.#woken.promise, delay(delayMs, AbortSignal.any([signal, over.signal]))]);
      signal.throwIfAborted();
    } finally {
      over.abort();
      this.#woken = Promise.withResolvers();
    }
  }
}
