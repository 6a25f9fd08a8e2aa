import type { AnyCode } from '../../protocol/codes.ts';
import type { Status } from '../../protocol/status.ts';

/** A host that says one of these keeps its set as it is, or does not know it to be whole. */
const UNJUDGED: ReadonlySet<AnyCode> = new Set([
  ...(['HISTORY_LOST', 'FOREIGN_EPOCH', 'BAD_DIGEST', 'STORE_NEWER'] as const),
  ...(['ADOPTING', 'STORE_DAMAGED'] as const),
]);
/** The most that a commit takes, and who waits for it. */
export const COMMIT_MS = 10;
/** So soon an agent has noted for the one after it that nobody could be seen. */
const NOTED_MS = 1_100;

/**
 * Since when a host's packets are silent: known from outside, of who came and when nobody could be seen. A store that was put
 * back may say that a redirect was given up which came to stand since; that one is not judged until it comes to stand anew.
 */
export class Silence {
  readonly #nowMs: () => number;
  /** The last two times of each. */
  readonly #lastMs = new Map<string, readonly number[]>();
  /** Why nobody can be seen now. */
  readonly #shut = new Set<string>();
  #shutMs = 0;
  #seenSinceMs = 0;
  /** The same before that changed within what a commit takes. */
  #seenBefore = { sinceMs: 0, untilMs: 0 };
  /** Since when the agent says that it is held, and since when all were seen before. */
  #held: { readonly atMs: number; readonly seenSinceMs: number } | undefined;
  readonly #unknown = new Set<string>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A packet met the entry of a redirect. */
  came(key: string): void {
    this.#lastMs.set(key, [...(this.#lastMs.get(key) ?? []), this.#nowMs()].slice(-2));
  }

  /** It came to stand. */
  stood(key: string): void {
    this.#unknown.delete(key);
    this.came(key);
  }

  /** When one of that happened last. */
  lastMs(key: string): number {
    return this.#lastMs.get(key)?.at(-1) ?? Number.NEGATIVE_INFINITY;
  }

  /** For this reason nobody can be seen, or can be again. */
  shut(why: string, is: boolean): void {
    if (this.#shut.size > 0) this.blind();
    else this.#shutMs = this.#nowMs();
    if (is) this.#shut.add(why);
    else this.#shut.delete(why);
  }

  /** Whatever was there may have come unseen until now. */
  blind(): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#seenBefore.untilMs > COMMIT_MS) this.#seenBefore = { sinceMs: this.#seenSinceMs, untilMs: nowMs };
    this.#seenSinceMs = nowMs;
  }

  /** The host says how it stands. */
  said({ problems = [] }: Pick<Status, 'problems'>): void {
    const isHeld = problems.some(({ code }) => UNJUDGED.has(code));
    const seenSinceMs = this.#seenSinceMs;
    if (isHeld) this.blind();
    if (isHeld) this.#held ??= { atMs: this.#nowMs(), seenSinceMs };
    if (!isHeld || this.#nowMs() - (this.#held?.atMs ?? 0) > NOTED_MS) this.#held = undefined;
  }

  /** An agent starts: of a hold that had just begun it may not know. */
  started(): void {
    if (this.#held !== undefined) this.#seenSinceMs = this.#held.seenSinceMs;
    this.#held = undefined;
  }

  /** The store may say what is not so of these. */
  unknown(keys: Iterable<string>): void {
    for (const key of keys) this.#unknown.add(key);
  }

  /** Milliseconds. Who came, or could not be seen, while a disk took what was found before does not count. */
  of(key: string): number {
    if (this.#unknown.has(key)) return Number.POSITIVE_INFINITY;
    const nowMs = this.#nowMs();
    if (this.#shut.size > 0 && nowMs - this.#shutMs > COMMIT_MS) return 0;
    const came = (this.#lastMs.get(key) ?? []).filter((atMs) => nowMs - atMs > COMMIT_MS);
    const { sinceMs, untilMs } = this.#seenBefore;
    return nowMs - Math.max(nowMs - untilMs > COMMIT_MS ? this.#seenSinceMs : sinceMs, ...came);
  }
}
