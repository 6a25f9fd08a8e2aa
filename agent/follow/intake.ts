import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import { Waker } from '../../daemon/waker.ts';
import type { Code } from '../../protocol/codes.ts';
import type { Cursor } from '../../protocol/cursor.ts';
import type { Event } from '../../protocol/event.ts';
import { Refused } from '../../protocol/refused.ts';
import type { Status } from '../../protocol/status.ts';
import { parseUpdate, type Update } from '../../protocol/update.ts';
import type { Mark } from '../model/mark.ts';
import { StoreError } from '../model/store-error.ts';
import type { Acceptance, Bus, Candidate, DesiredStore, Reconciling, Stored } from '../ports.ts';
import { fold } from './cursor.ts';
import { Refusals } from './refusals.ts';
import { runSync, type SyncResult } from './sync.ts';

/** The newest updates that wait while a sync or a commit runs (rule R3); what falls out is a gap, and synced. */
const MAX_WAITING = 64;
const SYNC_EVERY_MS = 30_000;
const FIRST_RETRY_MS = 1_000;
/** However many updates do not connect, syncs start no closer together than this. */
const SYNC_SPACING_MS = 100;

/** What the intake needs; `stored` and `mark` are as they were read at start. */
export interface IntakeOptions {
  readonly host: string;
  readonly store: Pick<DesiredStore, 'accept'>;
  readonly bus: Pick<Bus, 'onLive' | 'onReconnect' | 'sync'>;
  readonly reconciling: Reconciling;
  readonly clock: Clock;
  readonly log: Log;
  readonly stored: Pick<Stored, 'cursor' | 'digest' | 'seq' | 'sound'>;
  readonly mark: Mark | undefined;
  /** Something that status shows is different now. */
  readonly changed: () => void;
  readonly emit: (event: Event) => void;
}

/** Where the stored set stands, for status. */
export interface IntakeState {
  readonly cursor: Cursor;
  readonly digest: string;
  /** The set is complete as of `cursor`: only then may what it does not name be removed. */
  readonly proven: boolean;
  /** Why the set is held, or not proven. */
  readonly problem: Code | undefined;
  readonly refused: Status['refused'];
  /** When the controller last gave an answer that counts; epoch milliseconds. */
  readonly lastSyncAtMs: number | undefined;
}

/**
 * Takes messages from bytes to desired state, one at a time: parses, judges by the cursor, stores what is proven, and
 * tells the reconciler. It syncs on a tick, after each reconnect and whenever something does not connect.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #refusals: Refusals;
  #cursor: Cursor;
  #digest: string;
  #have: Cursor;
  /** The stored set is a whole prefix of a log: sound, and no older than the kernel. */
  #whole: boolean;
  #problem: Code | undefined;
  #waiting: Update[] = [];
  #lastSyncAtMs: number | undefined;
  #failures = 0;
  /** Monotonic milliseconds: when the next sync starts, and before when none may. */
  #dueAtMs = 0;
  #notBeforeMs = 0;
  readonly #waker = new Waker();

  constructor(options: IntakeOptions) {
    const { stored, mark, host, clock, log, emit } = options;
    this.#options = options;
    this.#refusals = new Refusals(host, clock, log, emit);
    this.#cursor = stored.cursor;
    this.#digest = stored.digest;
    const adopting = mark !== undefined && mark.seq > stored.seq;
    this.#have = adopting ? { epoch: mark.epoch, rev: mark.rev } : stored.cursor;
    this.#whole = stored.sound && !adopting && stored.cursor.epoch !== '';
    this.#problem = stored.sound ? (adopting ? 'ADOPTING' : undefined) : 'STORE_DAMAGED';
  }

  state(): IntakeState {
    return {
      cursor: this.#cursor,
      digest: this.#digest,
      proven: this.#whole,
      problem: this.#problem,
      refused: this.#refusals.summary(),
      lastSyncAtMs: this.#lastSyncAtMs,
    };
  }

  /**
   * Takes messages until the signal aborts. Errors: StoreError when the store is broken and the process should end.
   * Call it once.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { bus } = this.#options;
    bus.onLive((bytes) => this.#receive(bytes));
    bus.onReconnect(() => this.#wantSync(0));
    if (this.#problem !== undefined) this.#logProblem();
    while (!signal.aborted) {
      try {
        await this.#turn(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof StoreError) || !error.passing) throw error;
        this.#setProblem('STORE_UNWRITABLE');
        this.#retry(error.code, error.message);
      }
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const leftMs = this.#dueAtMs - this.#options.clock.monotonicMs();
    if (leftMs <= 0) await this.#sync(signal);
    else if (this.#whole && this.#waiting.length > 0) await this.#takeWaiting();
    else await this.#waker.sleep(this.#options.clock.delay, leftMs, signal);
  }

  #receive(bytes: Uint8Array): void {
    try {
      this.#waiting.push(parseUpdate(bytes, this.#options.host));
    } catch (error) {
      this.#refuse(error);
      return;
    }
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    // Whoever sends updates may answer, too.
    if (!this.#whole) this.#wantSync(this.#notBeforeMs);
    this.#waker.wake();
  }

  async #takeWaiting(): Promise<void> {
    const { candidate, again, gap } = fold(this.#cursor, this.#waiting.splice(0));
    const acceptance = candidate && (await this.#accept(candidate));
    if (gap || acceptance?.outcome === 'mismatch') this.#wantSync(this.#notBeforeMs);
    if (again.length > 0) this.#options.reconciling.again(again);
  }

  async #accept(candidate: Candidate): Promise<Acceptance> {
    const { store, reconciling, log, changed, mark } = this.#options;
    const acceptance = await store.accept(candidate, mark?.seq);
    if (acceptance.outcome === 'mismatch') {
      log.warn({ ...candidate.cursor, digest: candidate.digest, sound: acceptance.sound }, 'digest does not fit');
      if (!acceptance.sound) {
        this.#whole = false;
        this.#setProblem('STORE_DAMAGED');
      }
      return acceptance;
    }
    this.#cursor = candidate.cursor;
    this.#have = candidate.cursor;
    this.#digest = candidate.digest;
    this.#whole = true;
    this.#setProblem(undefined);
    reconciling.accepted(acceptance, { is: 'follows', at: candidate.cursor, digest: candidate.digest });
    changed();
    return acceptance;
  }

  async #sync(signal: AbortSignal): Promise<void> {
    const { host, bus, clock } = this.#options;
    this.#notBeforeMs = clock.monotonicMs() + SYNC_SPACING_MS;
    this.#dueAtMs = Number.POSITIVE_INFINITY; // what is wanted from here on lowers it again
    const result = await runSync({
      host,
      have: this.#have,
      base: this.#whole ? 'stored' : 'empty',
      digest: this.#digest,
      request: async (request) => {
        try {
          return await bus.sync(request, signal);
        } catch (error) {
          if (error instanceof Refused) this.#refuse(error);
          throw error;
        }
      },
      accept: (candidate) => this.#accept(candidate),
    });
    this.#settle(result);
  }

  #settle(result: SyncResult): void {
    const { clock } = this.#options;
    if (result.outcome === 'failed') {
      this.#retry(result.code, result.message);
      return;
    }
    if (result.outcome === 'held') {
      this.#notBeforeMs = clock.monotonicMs() + FIRST_RETRY_MS;
    }
    this.#failures = 0;
    this.#lastSyncAtMs = clock.nowMs();
    this.#setProblem(result.outcome === 'held' ? result.code : undefined);
    this.#wantSync(clock.monotonicMs() + SYNC_EVERY_MS * (0.8 + 0.4 * clock.random()));
  }

  #retry(code: string, reason: string): void {
    const { clock, log } = this.#options;
    const backoffMs = Math.min(SYNC_EVERY_MS, FIRST_RETRY_MS * 2 ** this.#failures) * (0.5 + clock.random());
    this.#failures += 1;
    this.#notBeforeMs = clock.monotonicMs() + FIRST_RETRY_MS;
    this.#wantSync(clock.monotonicMs() + backoffMs);
    const facts = { code, reason, retryMs: Math.round(backoffMs) };
    if (this.#failures === 1 && code !== 'DOWN') log.warn(facts, 'sync failed');
    else log.debug(facts, 'sync failed');
  }

  /** Has a sync start at this monotonic time, unless one is due earlier. */
  #wantSync(notBeforeMs: number): void {
    this.#dueAtMs = Math.min(this.#dueAtMs, Math.max(notBeforeMs, this.#options.clock.monotonicMs()));
    this.#waker.wake();
  }

  #refuse(error: unknown): void {
    if (!(error instanceof Refused)) throw error;
    this.#refusals.add(error);
    this.#options.changed();
  }

  #logProblem(): void {
    const { log } = this.#options;
    if (this.#problem === undefined) log.info(this.#cursor, 'desired state goes on');
    else log.error({ code: this.#problem, have: this.#have }, 'desired state is held');
  }

  #setProblem(problem: Code | undefined): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#logProblem();
    this.#options.changed();
  }
}
