import { eachOf, type Parts } from '../../daemon/parts.ts';
import type { Code } from '../../protocol/codes.ts';
import type { Intent } from '../../protocol/intent.ts';
import type { EntryState } from '../model/state.ts';
import type { Decision } from './decision.ts';
import { EntryStates } from './entry-states.ts';
import { staysIdle } from './idle.ts';
import type { Gone } from './pass-result.ts';
import type { Schedule } from './schedule.ts';
import type { Tracker } from './tracker.ts';

/** So many rows are taken in one go: a few milliseconds. */
const AT_ONCE = 2_048;

/** What is desired, how keys stand, and which of them are not desired. */
export interface Known extends Pick<Ledger, 'desired' | 'states'> {
  readonly undesired: readonly string[];
}

/**
 * What is desired, where each key stands, and who follows it: what `dump`, `explain` and status read. A key stays in
 * `states` until its entry is gone, also when it is desired no more.
 */
export class Ledger {
  readonly desired = new Map<string, Intent>();
  readonly states = new EntryStates();
  readonly #schedule: Schedule;
  readonly #trackers: readonly Tracker[];
  /** Names of intents whose entries are still to go. */
  readonly #leaving = new Map<string, string>();
  /** Keys that stand as no store was told. */
  readonly #unstored = new Set<string>();

  constructor(schedule: Schedule, trackers: readonly Tracker[]) {
    this.#schedule = schedule;
    this.#trackers = trackers;
  }

  /** What is desired from the beginning. */
  *desire(intents: readonly Intent[]): Parts<void> {
    yield* eachOf(intents, AT_ONCE, (intent) => this.desired.set(intent.key, intent));
  }

  /** Begins with what is desired and with these; every key is due. */
  *begin(states: readonly EntryState[]): Parts<Known> {
    const undesired: string[] = [];
    yield* eachOf(this.desired.values(), AT_ONCE, (intent) => {
      this.#schedule.begin(intent.key);
      this.#wanted(intent);
    });
    yield* eachOf(states, AT_ONCE, (state) => {
      this.states.set(state.key, state);
      if (!this.desired.has(state.key)) undesired.push(state.key);
    });
    yield* eachOf(undesired, AT_ONCE, (key) => this.#schedule.begin(key));
    return { desired: this.desired, undesired, states: this.states };
  }

  /** Desires these, or desires them otherwise than before. */
  put(intents: readonly Intent[]): void {
    for (const intent of intents) {
      this.desired.set(intent.key, intent);
      this.#leaving.delete(intent.key);
      this.#wanted(intent);
    }
    this.#schedule.markDue(Iterator.from(intents).map(({ key }) => key));
  }

  /** Desires these no more; their entries are to go. */
  remove(keys: readonly string[]): void {
    for (const key of keys) {
      const intent = this.desired.get(key);
      if (intent !== undefined) this.#leaving.set(key, intent.name);
      this.desired.delete(key);
    }
    this.#schedule.markDue(keys);
  }

  /** Desires none but these any more. */
  keepOnly(keys: Pick<ReadonlySet<string>, 'has'>): void {
    this.remove([...this.desired.keys()].filter((key) => !keys.has(key)));
  }

  /** Desires what another one does by now, and knows the names of what is leaving there, and what no store was told. */
  catchUp(other: Ledger): void {
    this.put([...other.desired.values().filter((intent) => this.desired.get(intent.key) !== intent)]);
    this.keepOnly(other.desired);
    for (const [key, name] of other.#leaving) this.#leaving.set(key, name);
    for (const key of other.#unstored) this.#unstored.add(key);
  }

  /** What was decided by a time that turned out to be wrong is looked at again: also what has ended by it. */
  timeMoved(): void {
    this.#schedule.markTimed();
    this.#schedule.markDue(this.desired.values().flatMap(({ key, expires }) => (expires === undefined ? [] : [key])));
  }

  /**
   * No desired key stands, whatever was done: that is known without a look at each, and stored when each is settled.
   * `nowMs`: epoch milliseconds.
   */
  block(code: Code, nowMs: number): void {
    for (const intent of this.desired.values()) {
      const { key, rev } = intent;
      const before = this.states.get(key);
      if (staysIdle(intent, before)) continue;
      const sinceMs = before?.code === code ? before.sinceMs : nowMs;
      this.states.set(key, { key, rev, slot: before?.slot ?? null, state: 'blocked', code, sinceMs });
      this.#unstored.add(key);
    }
  }

  /** Whether no store was told how a key stands; whoever asks tells one. */
  takeUnstored(key: string): boolean {
    return this.#unstored.delete(key);
  }

  settle(decision: Decision, now: EntryState): void {
    this.states.set(decision.key, now);
    this.settled(decision, now);
  }

  /** The state of a key is what it was. */
  settled(decision: Decision, now: EntryState): void {
    for (const tracker of this.#trackers) tracker.settled(decision, now);
  }

  /** The key is desired no more, and its entry is gone. */
  forget(key: string): Gone {
    const name = this.#leaving.get(key);
    this.#leaving.delete(key);
    this.#unstored.delete(key);
    this.states.delete(key);
    for (const tracker of this.#trackers) tracker.gone?.(key);
    return { key, ...(name !== undefined && { name }) };
  }

  #wanted(intent: Intent): void {
    for (const tracker of this.#trackers) tracker.wanted?.(intent);
  }
}
