import type { Code } from '../../protocol/codes.ts';
import type { Intent } from '../../protocol/intent.ts';
import type { EntryState } from '../model/state.ts';
import type { Decision } from './decision.ts';
import { staysIdle } from './idle.ts';
import type { Gone } from './pass-result.ts';
import type { Schedule } from './schedule.ts';
import type { Tracker } from './tracker.ts';

/**
 * What is desired, where each key stands, and who follows it: what `dump`, `explain` and status read. A key stays in
 * `states` until its entry is gone, also when it is desired no more.
 */
export class Ledger {
  readonly desired: Map<string, Intent>;
  readonly states: Map<string, EntryState>;
  readonly #schedule: Schedule;
  readonly #trackers: readonly Tracker[];
  /** Names of intents whose entries are still to go. */
  readonly #leaving = new Map<string, string>();

  /** Every key is due. */
  constructor(
    intents: readonly Intent[],
    states: readonly EntryState[],
    schedule: Schedule,
    trackers: readonly Tracker[],
  ) {
    this.desired = new Map();
    for (const intent of intents) this.desired.set(intent.key, intent);
    this.states = new Map();
    for (const state of states) this.states.set(state.key, state);
    this.#schedule = schedule;
    this.#trackers = trackers;
    for (const intent of intents) this.#wanted(intent);
    schedule.markDue(this.desired.keys());
    schedule.markDue(this.states.keys());
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
  keepOnly(keys: ReadonlySet<string>): void {
    this.remove([...this.desired.keys()].filter((key) => !keys.has(key)));
  }

  /** What was decided by a time that turned out to be wrong is looked at again: also what has ended by it. */
  timeMoved(): void {
    this.#schedule.markTimed();
    this.#schedule.markDue(this.desired.values().flatMap(({ key, expires }) => (expires === undefined ? [] : [key])));
  }

  /** No desired key stands, whatever was done: that is known without a look at each. `nowMs`: epoch milliseconds. */
  block(code: Code, nowMs: number): void {
    for (const intent of this.desired.values()) {
      const { key, rev } = intent;
      const before = this.states.get(key);
      if (staysIdle(intent, before)) continue;
      const sinceMs = before?.code === code ? before.sinceMs : nowMs;
      this.states.set(key, { key, rev, slot: before?.slot ?? null, state: 'blocked', code, sinceMs });
    }
  }

  settle(decision: Decision, now: EntryState): void {
    this.states.set(decision.key, now);
    for (const tracker of this.#trackers) tracker.settled(decision, now);
  }

  /** The key is desired no more, and its entry is gone. */
  forget(key: string): Gone {
    const name = this.#leaving.get(key);
    this.#leaving.delete(key);
    this.states.delete(key);
    for (const tracker of this.#trackers) tracker.gone?.(key);
    return { key, ...(name !== undefined && { name }) };
  }

  #wanted(intent: Intent): void {
    for (const tracker of this.#trackers) tracker.wanted?.(intent);
  }
}
