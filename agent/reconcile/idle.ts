import type { Intent } from '../../protocol/intent.ts';
import type { Counter } from '../model/counter.ts';
import type { EntryState } from '../model/state.ts';
import type { Counts, KernelTime } from '../ports.ts';
import type { Decision } from './decision.ts';
import type { Sight } from './sight.ts';
import type { Tracker } from './tracker.ts';

/** The most keys that are given up at once: of them one commit is made. */
const GIVEN_UP_MAX = 1_000;

/** A redirect that stands, and is given up in silence. Times are jiffies64. */
interface Watched {
  readonly ifname: string | undefined;
  readonly slot: number;
  readonly armed: number;
  readonly after: number;
}

/**
 * It was given up, and nothing has armed it again since: a newer revision does, unless it says never; and one that is back, because
 * what had its place was not confirmed, stands as it did where that was given up.
 */
export function staysIdle({ idle, rev }: Intent, state: EntryState | undefined, isBack = false): boolean {
  if (idle === undefined || state?.state !== 'idle') return false;
  return state.rev === rev || idle.rearm === 'never' || (rev < state.rev && !isBack);
}

/**
 * After which a redirect that stands is idle, if no packet comes, in jiffies64: silence is counted from its last packet, from
 * when it came to stand, and from when packets have been seen without a break, whichever is latest; each may have been at the end
 * of its jiffy. Undefined while none can be seen.
 */
export function idleAt(
  { armed, after }: Pick<Watched, 'armed' | 'after'>,
  seen: number,
  since: number | undefined,
): number | undefined {
  return since === undefined ? undefined : Math.max(armed, seen, since) + after;
}

/** Finds the redirects that no packet meets any more, and remembers what they were until their entries are gone. */
export class Idle implements Tracker {
  readonly #watched = new Map<string, Watched>();
  /** The disk has it that these are idle, and the kernel has not: what they were. */
  readonly #givenUp = new Map<string, EntryState>();
  /** No redirect is idle before, in jiffies64. */
  #nextAt = Number.POSITIVE_INFINITY;
  readonly #hz: number;

  /** `hz`: jiffies a second. */
  constructor(hz: number) {
    this.#hz = hz;
  }

  get watches(): boolean {
    return this.#watched.size > 0;
  }

  settled({ key, intent }: Decision, { state, slot, armed }: EntryState): void {
    this.gone(key);
    if (intent?.idle === undefined || state !== 'installed' || slot === null || armed === undefined) return;
    const after = (intent.idle.afterMs * this.#hz) / 1000;
    this.#watched.set(key, { ifname: intent.match.in, slot, armed, after });
    this.#nextAt = Math.min(this.#nextAt, armed + after);
  }

  gone(key: string): void {
    this.#watched.delete(key);
  }

  isDue({ jiffies }: KernelTime): boolean {
    return Number(jiffies) > this.#nextAt;
  }

  /** Keys that have been silent long enough; some of them if they are many. */
  silent(counts: Pick<Counts, 'seen'>, sight: Pick<Sight, 'since'>, { jiffies }: KernelTime): readonly string[] {
    const now = Number(jiffies);
    const seen = counts.seen();
    const found: string[] = [];
    this.#nextAt = Number.POSITIVE_INFINITY;
    for (const [key, watched] of this.#watched) {
      const at = idleAt(watched, seen[watched.slot] ?? 0, sight.since(watched.ifname)) ?? now + this.#hz;
      if (at < now && found.length < GIVEN_UP_MAX) found.push(key);
      else this.#nextAt = Math.min(this.#nextAt, at);
    }
    // What the disk does not take now is found again.
    if (found.length > 0) this.#nextAt = Math.min(this.#nextAt, now + this.#hz);
    return found;
  }

  /** Whether these counts say so, too: between two looks somebody may have come. */
  isSilent(key: string, counted: Counter, sight: Pick<Sight, 'since'>, { jiffies }: KernelTime): boolean {
    const watched = this.#watched.get(key);
    const at = watched && idleAt(watched, Number(counted.seen), sight.since(watched.ifname));
    return at !== undefined && at < Number(jiffies);
  }

  /** How much longer a redirect may be silent; undefined where it does not stand, or nobody could see its packets. */
  leftMs(
    key: string,
    counts: Pick<Counts, 'counters'>,
    sight: Pick<Sight, 'since'>,
    { jiffies, hz }: KernelTime,
  ): number | undefined {
    const watched = this.#watched.get(key);
    if (watched === undefined) return undefined;
    const [counter] = counts.counters([watched.slot]);
    const at = idleAt(watched, Number(counter?.seen ?? 0), sight.since(watched.ifname));
    return at === undefined ? undefined : Math.max(0, Math.round(((at - Number(jiffies)) * 1000) / hz));
  }

  /** The disk has it that a key is idle; its entry goes with the next pass. */
  giveUp(before: EntryState): void {
    this.#givenUp.set(before.key, before);
    this.#watched.delete(before.key);
  }

  /** Entries of some may still stand. */
  get givesUp(): boolean {
    return this.#givenUp.size > 0;
  }

  /** Its entry may still stand. */
  isGivenUp(key: string): boolean {
    return this.#givenUp.has(key);
  }

  /** What a key was before it was given up, once. */
  take(key: string): EntryState | undefined {
    const before = this.#givenUp.get(key);
    this.#givenUp.delete(key);
    return before;
  }
}

/** Whether a packet came after these counts were taken. */
export function cameSince(counted: Counter | undefined, last: Counter | undefined): boolean {
  return (last?.seen ?? 0n) > (counted?.seen ?? 0n);
}
