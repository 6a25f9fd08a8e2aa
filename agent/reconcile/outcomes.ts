import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import type { Heap } from '../../daemon/memory.ts';
import type { Event } from '../../protocol/event.ts';
import type { Intent } from '../../protocol/intent.ts';
import type { EntryState } from '../model/state.ts';
import { StoreError } from '../model/store-error.ts';
import type { DesiredStore, Outbox } from '../ports.ts';
import { EventRate } from './event-rate.ts';
import { logEvents } from './logged.ts';
import type { PassResult } from './pass-result.ts';
import { tellPass } from './tell.ts';
import { Unsaved } from './unsaved.ts';

/** So many keys leave some ten megabytes of garbage behind. */
export const BULK_KEYS = 10_000;
/** So often it is said how many were settled. */
const CONVERGED_MS = 1_000;

export interface OutcomesOptions {
  readonly store: Pick<DesiredStore, 'saveEntries' | 'record'>;
  readonly outbox: Outbox;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  readonly log: Log;
  readonly host: string;
  /** Is told when many keys are to be settled, and when their garbage is worth giving back. */
  readonly heap?: Heap;
}

/** Hands what was done to the store, and tells it. What a full or busy disk does not take goes with the next pass. */
export class Outcomes {
  readonly #options: OutcomesOptions;
  readonly #unsaved = new Unsaved();
  readonly #rate = new EventRate();
  #storing = true;
  /** Keys since nothing was due. */
  #decided = 0;
  /** Not said yet. */
  #settled = { installed: 0, events: 0 };
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  /** When there is something to sum up; monotonic milliseconds. */
  get dueMs(): number {
    return this.#rate.dueMs;
  }

  /** So many keys more are to be settled. */
  expect(keys: number): void {
    if (this.#decided + keys >= BULK_KEYS) this.#options.heap?.grow();
  }

  /** Errors: StoreError when the store is lost. */
  async take(result: PassResult, desired: ReadonlyMap<string, Intent>): Promise<void> {
    const { store, clock, host } = this.#options;
    this.#unsaved.note(result);
    this.expect(result.decided);
    this.#decided += result.decided;
    await this.#stored(() => this.#unsaved.save(store));
    const events = tellPass({ host, at: clock.nowMs() }, result, desired);
    this.#settled.events += events.length;
    this.#settled.installed += events.filter((it) => it.kind === 'applied').length;
    await this.record(events);
  }

  /**
   * Stores how keys are about to stand. False: the disk does not take it now, and they stand as they do (`now`). Errors:
   * StoreError when the store is lost.
   */
  async ahead(rows: readonly EntryState[], now: (key: string) => EntryState | undefined): Promise<boolean> {
    const { store } = this.#options;
    this.#unsaved.states(rows);
    if (await this.#stored(() => this.#unsaved.save(store))) return true;
    this.#unsaved.states(rows.flatMap(({ key }) => now(key) ?? []));
    return false;
  }

  /** Nothing is due any more. */
  rest(): void {
    const { clock, log, heap } = this.#options;
    if (this.#decided >= BULK_KEYS) heap?.giveBack();
    this.#decided = 0;
    if (this.#settled.events === 0 || clock.monotonicMs() - this.#saidMs < CONVERGED_MS) return;
    log.info(this.#settled, 'converged');
    this.#settled = { installed: 0, events: 0 };
    this.#saidMs = clock.monotonicMs();
  }

  /** Tells what happened, as much of it as may be told at once. */
  async record(events: readonly Event[]): Promise<void> {
    await this.#tell(this.#rate.admit(events, this.#options.clock.monotonicMs()));
  }

  /** Sums up what was not told one by one, where that is due; with `all`, whatever there is. */
  async summarise(all = false): Promise<void> {
    const { clock, host } = this.#options;
    await this.#tell(this.#rate.summaries({ host, at: clock.nowMs() }, clock.monotonicMs(), all));
  }

  /** The flight recorder is an aid: what it does not take is lost. */
  async #tell(events: readonly Event[]): Promise<void> {
    if (events.length === 0) return;
    const { store, outbox, log } = this.#options;
    logEvents(log, events);
    for (const event of events) outbox.event(event);
    try {
      await store.record(events);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      log.warn({ code: error.code, reason: error.message, events: events.length }, 'events were not kept');
    }
  }

  /** What passes, as a full or busy disk does, is tried again with the next pass; it is said once. */
  async #stored(write: () => Promise<void>): Promise<boolean> {
    const { log } = this.#options;
    try {
      await write();
      if (!this.#storing) log.info({}, 'outcomes are stored again');
      this.#storing = true;
    } catch (error) {
      if (!(error instanceof StoreError) || !error.passing) throw error;
      if (this.#storing) log.warn({ code: error.code, reason: error.message }, 'outcomes not stored yet');
      this.#storing = false;
    }
    return this.#storing;
  }
}
