/** Who lives on for so long has taken what it heard. */
const TAKEN_AFTER_MS = 1_000;
/** What a page says may be so old, on its way or by a stale copy, and counts as the time of now. */
const FRESH_MS = 60_000;

/** Whether a host has the time from a controller, told from outside: of a page that came, and of an agent that lived on. */
export class ToldTime {
  readonly #nowMs: () => number;
  /** A page came in this life of the agent, and whether it was of now; nobody knows yet whether it was taken. */
  #heard: { readonly atMs: number; readonly isFresh: boolean } | undefined;
  #known = false;
  #fresh = false;

  /** `nowMs`: monotonic. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Since its boot it was told the time. */
  get known(): boolean {
    return this.#known;
  }

  /** And that is the time still. */
  get fresh(): boolean {
    return this.#fresh;
  }

  /** An agent starts: what the one before it heard last it may not have taken. */
  started(): void {
    if (this.#heard !== undefined) this.#fresh = false;
    this.#heard = undefined;
  }

  booted(): void {
    this.#known = false;
    this.#fresh = false;
    this.#heard = undefined;
  }

  /** A page says so; it is `aheadMs` from the controllers' time. */
  heard(aheadMs: number): void {
    this.#heard = { atMs: this.#nowMs(), isFresh: Math.abs(aheadMs) < FRESH_MS };
    this.#fresh = false;
  }

  /** The agent says how it is, and so lives. */
  spoke(): void {
    if (this.#heard === undefined || this.#nowMs() - this.#heard.atMs < TAKEN_AFTER_MS) return;
    this.#known = true;
    this.#fresh = this.#heard.isFresh;
    this.#heard = undefined;
  }

  /** The controllers' time is another one now. */
  moved(): void {
    this.#fresh = false;
    if (this.#heard !== undefined) this.#heard = { ...this.#heard, isFresh: false };
  }
}
