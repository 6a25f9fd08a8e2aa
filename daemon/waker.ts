/** Why a delay is no longer waited for. An error of its own would be made anew each time. */
const OVER = 'woken before the time has come';
const WOKEN = Symbol('woken');

/** Lets one loop sleep until a time or until it is woken; a wake-up while it is awake counts for its next sleep. */
export class Waker {
  /** Breaks a delay off; the next one has it, too, where that was not done. */
  #over = new AbortController();
  #woken = Promise.withResolvers<typeof WOKEN>();

  wake(): void {
    this.#woken.resolve(WOKEN);
  }

  /** Wake-ups so far are seen to by what follows. */
  clear(): void {
    this.#woken = Promise.withResolvers();
  }

  /** Sleeps at most so long. `delay` is the clock's. Rejects when the signal aborts. */
  async sleep(
    delay: (delayMs: number, signal: AbortSignal) => Promise<void>,
    delayMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const over = this.#over;
    let isOver = false;
    const abort = (): void => over.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      signal.throwIfAborted();
      isOver = (await Promise.race([this.#woken.promise, delay(delayMs, over.signal)])) !== WOKEN;
      signal.throwIfAborted();
    } finally {
      signal.removeEventListener('abort', abort);
      if (!isOver) over.abort(OVER);
      if (over.signal.aborted) this.#over = new AbortController();
      this.clear();
    }
  }
}
