import type { Intent } from '../../protocol/intent.ts';
import { COMMIT_MS } from './silence.ts';

/** Whom an operator has asked to arm again does so by then. */
const ARMED_WITHIN_MS = 1_000;

/**
 * What a host has given up in silence, told from outside: its store has it, nobody came until the entry went, and nothing
 * was said since that may arm it again. Until then it stays away, whatever becomes of agent, maps and boots.
 */
export class GivenUp {
  readonly #nowMs: () => number;
  /** When the store took it that a redirect is given up. */
  readonly #storedMs = new Map<string, number>();
  /** Revisions of what is gone. */
  readonly #gone = new Map<string, number>();
  #armsUntilMs = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The store takes it. */
  stored(key: string): void {
    this.#storedMs.set(key, this.#nowMs());
  }

  /** The entry goes; `cameMs`: when somebody came last, or it came to stand. */
  goes({ key, rev, expires }: Intent, cameMs: number): void {
    const mayArm = this.#nowMs() < this.#armsUntilMs || expires !== undefined;
    if (this.isStored(key, cameMs) && !mayArm) this.#gone.set(key, rev);
  }

  /** Whether it was found, and the store has taken it, since somebody came. */
  isStored(key: string, cameMs: number): boolean {
    return cameMs < (this.#storedMs.get(key) ?? Number.NEGATIVE_INFINITY) - COMMIT_MS;
  }

  /** Somebody came, or the store does not know of it any more. */
  drop(key: string): void {
    this.#gone.delete(key);
  }

  /** An operator's word has come. */
  arm(): void {
    this.clear();
    this.#armsUntilMs = this.#nowMs() + ARMED_WITHIN_MS;
  }

  /** Another store, or one as it was before. */
  clear(): void {
    this.#gone.clear();
    this.#storedMs.clear();
  }

  /** The set is another one: a newer revision arms, unless it says never. */
  revised(known: ReadonlyMap<string, Intent>): void {
    for (const [key, rev] of this.#gone) {
      const { idle, expires, rev: now = Number.POSITIVE_INFINITY } = known.get(key) ?? {};
      if (expires !== undefined || !(idle !== undefined && (now <= rev || idle.rearm === 'never'))) this.drop(key);
      else this.#gone.set(key, now); // of a log that was put back, what comes after that is newer
    }
  }

  /** Whether it has to stay away. */
  has(key: string): boolean {
    return this.#gone.has(key);
  }
}
