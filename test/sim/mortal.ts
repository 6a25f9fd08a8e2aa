import { Life } from './life.ts';

/** A program that is started, ends when it is told to, or dies; an error of one of its loops is an error of its end. */
export class Mortal {
  #life: Life | undefined;
  #end = new AbortController();
  #loops: Promise<unknown> = Promise.resolve();
  #hangUp: () => void = () => {};

  /** Whether it was started, and neither ended nor died. */
  get runs(): boolean {
    return this.#life?.ended === false;
  }

  /** Whether it died, and was not buried yet. */
  get died(): boolean {
    return this.#life?.ended === true;
  }

  /** A life begins. `hangUp` ends its connection, and is called when it ends. */
  protected begin(hangUp: () => void): { readonly life: Life; readonly signal: AbortSignal } {
    this.#life = new Life();
    this.#end = new AbortController();
    this.#loops = Promise.resolve();
    this.#hangUp = hangUp;
    return { life: this.#life, signal: this.#end.signal };
  }

  protected run(...loops: readonly Promise<void>[]): void {
    this.#loops = Promise.all(loops);
    this.#loops.catch(() => {}); // `finish` has it
  }

  /** Ends it in good order, unless it is dead, or dies of it. Answers whether that order was good. */
  protected async finish(): Promise<boolean> {
    const life = this.#life;
    if (life === undefined || life.ended) return false;
    this.#life = undefined;
    this.#end.abort();
    await life.orEnd(this.#loops).catch((error: unknown) => {
      if (!life.ended) throw error;
    });
    if (life.ended) this.#hangUp();
    return !life.ended;
  }

  /** It dies, now or where it has waited so often from now on. */
  kill(waits = 0): void {
    if (waits === 0) this.#life?.end();
    else this.#life?.endAfter(waits);
  }

  /** How often it waits yet until it dies, as it was told. */
  get waitsLeft(): number {
    return this.#life?.waitsLeft ?? Number.POSITIVE_INFINITY;
  }

  /** It is not to die after all. */
  spare(): void {
    this.#life?.endAfter(Number.POSITIVE_INFINITY);
  }

  /** What a dead one leaves: its connection ends. Answers whether it can be started. */
  bury(): boolean {
    if (this.runs) return false;
    if (this.#life !== undefined) this.#hangUp();
    this.#life = undefined;
    return true;
  }
}
