import type { Intent } from '../../protocol/intent.ts';
import type { BrakeStatus } from '../../protocol/own-decisions.ts';
import { type BrakeChange, type BrakeMemory, type BrakeState, NO_BRAKE, type Withheld } from '../model/brake.ts';
import type { Candidate, Changes } from '../model/stored.ts';
import { withhold } from './brake.ts';
import { type Before, cutsOf } from './cuts.ts';

/** A change that is withheld, and what it would put; absent where it deletes. */
export type Held = Withheld & { readonly wanted?: Intent };

/** The times that a judgement is made at: for redirects that end, for what went of late, and for people. */
export interface JudgedAt extends Before {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** What is to be done of changes that are stored, beside what stays as it is. */
export interface Done {
  readonly put: readonly Intent[];
  readonly removed: readonly string[];
  /** Keys that stand as they did, and are to say why. */
  readonly kept: readonly string[];
}

/**
 * The brake of a host: what it withholds, and what it goes by. A judgement changes nothing; it is stored with the changes that it is
 * of, and only then taken. What is withheld stands on as if the change had never come.
 */
export class Braking {
  #state: BrakeState;
  readonly #held = new Map<string, Held>();

  /** `intents`: what the log wants, of which some may be withheld. `nowMs`: epoch milliseconds. */
  constructor(memory: BrakeMemory | undefined, intents: readonly Intent[], nowMs: number) {
    const { state, withheld } = memory ?? { state: NO_BRAKE, withheld: [] };
    this.#state = state;
    if (withheld.length === 0) return;
    this.#state = { ...state, sinceMs: state.sinceMs ?? nowMs };
    const wanted = new Map(intents.map((intent) => [intent.key, intent]));
    for (const one of withheld) this.#hold(one, wanted.get(one.key));
  }

  /** What is withheld, by key. */
  get held(): ReadonlyMap<string, Held> {
    return this.#held;
  }

  get permit(): number {
    return this.#state.permit;
  }

  get status(): BrakeStatus | undefined {
    const { sinceMs } = this.#state;
    const from = this.#held.values().reduce((least, { rev }) => Math.min(least, rev), Number.POSITIVE_INFINITY);
    return this.#held.size === 0 ? undefined : { since: sinceMs ?? 0, withheld: this.#held.size, from };
  }

  /** What the log wants, with what is withheld as it was. */
  standing(intents: readonly Intent[]): readonly Intent[] {
    if (this.#held.size === 0) return intents;
    const rest = intents.filter(({ key }) => !this.#held.has(key));
    return [...rest, ...Array.from(this.#held.values(), ({ last }) => last)];
  }

  /** What of a candidate is withheld, if it is stored, and what is withheld no more. */
  judge(candidate: Candidate, at: JudgedAt): BrakeChange {
    const permit = this.#permitWith(candidate);
    const cuts = cutsOf(candidate, at);
    const cut = new Set(cuts.flatMap(({ key, rev }) => (rev > permit ? [key] : [])));
    const touched = new Set(this.#held.size === 0 ? [] : candidate.changes.map(({ key }) => key));
    const isFree = ({ key, rev }: Held): boolean =>
      !cut.has(key) && (rev <= permit || touched.has(key) || candidate.base === 'empty');
    const free = this.#keys(isFree);
    const holds = this.#held.size > free.length;
    const had = at.desired.size;
    const { withheld, steps } = withhold(cuts, { steps: this.#state.steps, permit, holds, had }, at.monotonicMs);
    const hold = withheld.flatMap(({ key, rev }): Withheld[] => {
      const last = at.desired.get(key);
      return last === undefined ? [] : [{ key, rev, last }];
    });
    const sinceMs = holds || hold.length > 0 ? (this.#state.sinceMs ?? at.wallMs) : null;
    return { state: { sinceMs, steps, permit }, hold, free };
  }

  /** What a permission up to a rev lets go; undefined where it is no news. */
  permitted(permit: number): BrakeChange | undefined {
    if (permit <= this.#state.permit) return undefined;
    const free = this.#keys(({ rev }) => rev <= permit);
    const steps = this.#state.steps.filter(({ rev }) => rev > permit);
    const sinceMs = free.length === this.#held.size ? null : this.#state.sinceMs;
    return { state: { sinceMs, steps, permit }, hold: [], free };
  }

  /** Lets everything go, and begins anew. */
  released(): BrakeChange {
    return { state: { ...NO_BRAKE, permit: this.#state.permit }, hold: [], free: [...this.#held.keys()] };
  }

  /** A change of the memory is stored, perhaps with changes of the set: what is to be done now. */
  take({ state, hold, free }: BrakeChange, changes: Changes): Done {
    if (this.#held.size + hold.length === 0) {
      this.#state = state;
      return { ...changes, kept: [] };
    }
    const put = new Map(changes.put.map((intent) => [intent.key, intent]));
    const removed = new Set(changes.removed);
    for (const key of free) {
      const wanted = this.#held.get(key)?.wanted;
      this.#held.delete(key);
      if (put.has(key) || removed.has(key)) continue;
      if (wanted === undefined) removed.add(key);
      else if (!changes.whole) put.set(key, wanted);
    }
    for (const one of hold) this.#hold(one, put.get(one.key));
    this.#state = state;
    for (const key of this.#held.keys()) {
      put.delete(key);
      removed.delete(key);
    }
    return { put: [...put.values()], removed: [...removed], kept: hold.map(({ key }) => key) };
  }

  #hold(one: Withheld, wanted: Intent | undefined): void {
    this.#held.set(one.key, { ...one, ...(wanted !== undefined && { wanted }) });
  }

  #keys(which: (held: Held) => boolean): readonly string[] {
    return Array.from(this.#held.values().filter(which), ({ key }) => key);
  }

  /** A log that goes back permits only what it says itself. */
  #permitWith({ cursor, marks = {} }: Candidate): number {
    const { permit } = this.#state;
    return Math.max(permit <= cursor.rev ? permit : 0, marks.permit ?? 0);
  }
}
