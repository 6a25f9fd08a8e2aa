import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import type { Event } from '../../protocol/event.ts';
import type { Intent } from '../../protocol/intent.ts';
import type { EntryState } from '../model/state.ts';
import { StoreError } from '../model/store-error.ts';
import type { DesiredStore, Outbox } from '../ports.ts';
import { logEvents } from './logged.ts';
import type { PassResult } from './pass-result.ts';
import { tellPass } from './tell.ts';
import { Unsaved } from './unsaved.ts';

/** The most events that are published at once; the flight recorder keeps them all. */
const EVENTS_MAX = 256;

export interface OutcomesOptions {
  readonly store: Pick<DesiredStore, 'saveEntries' | 'record'>;
  readonly outbox: Outbox;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: Log;
  readonly host: string;
}

/** Hands what was done to the store, and tells it. What a full or busy disk does not take goes with the next pass. */
export class Outcomes {
  readonly #options: OutcomesOptions;
  readonly #unsaved = new Unsaved();

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  /** Errors: StoreError when the store is lost. */
  async take(result: PassResult, desired: ReadonlyMap<string, Intent>): Promise<void> {
    const { store, clock, host, log } = this.#options;
    this.#unsaved.note(result);
    await this.#stored(() => this.#unsaved.save(store));
    const events = tellPass({ host, at: clock.nowMs() }, result, desired);
    if (events.length === 0) return;
    log.info({ installed: events.filter((it) => it.kind === 'applied').length, events: events.length }, 'converged');
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

  /** The flight recorder is an aid: what it does not take is lost. */
  async record(events: readonly Event[]): Promise<void> {
    const { store, outbox, log } = this.#options;
    logEvents(log, events);
    for (const event of events.slice(0, EVENTS_MAX)) outbox.event(event);
    try {
      await store.record(events);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      log.warn({ code: error.code, reason: error.message, events: events.length }, 'events were not kept');
    }
  }

  /** What passes, as a full or busy disk does, is tried again with the next pass. */
  async #stored(write: () => Promise<void>): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (error) {
      if (!(error instanceof StoreError) || !error.passing) throw error;
      this.#options.log.warn({ code: error.code, reason: error.message }, 'outcomes not stored yet');
      return false;
    }
  }
}
