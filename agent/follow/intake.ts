import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import { OneByOne } from '../../daemon/one-by-one.ts';
import { Waker } from '../../daemon/waker.ts';
import type { AnyCode } from '../../protocol/codes.ts';
import type { Marks } from '../../protocol/marks.ts';
import { Refused } from '../../protocol/refused.ts';
import type { ResyncReply } from '../../protocol/resync.ts';
import type { Status } from '../../protocol/status.ts';
import type { Update } from '../../protocol/update.ts';
import type { Footing } from '../model/footing.ts';
import type { Mark } from '../model/mark.ts';
import { StoreError } from '../model/store-error.ts';
import type { Acceptance, Candidate } from '../model/stored.ts';
import type { BootClock, Bus, DesiredStore, Outbox, Reconciling } from '../ports.ts';
import { fold } from './cursor.ts';
import { asks, type FootingEvent, next, takesUpdates } from './footing.ts';
import { openUpdate } from './open.ts';
import { Pace } from './pace.ts';
import { type Problem, Problems } from './problems.ts';
import { Refusals } from './refusals.ts';
import { runSync, type SyncResult } from './sync.ts';

/** The newest updates that wait while a sync or a commit runs (rule R3); what falls out is a gap, and synced. */
const MAX_WAITING = 64;

/** What the intake needs; `footing` and `mark` are as they were found at start. */
export interface IntakeOptions {
  readonly host: string;
  readonly store: Pick<DesiredStore, 'accept' | 'noteTime'>;
  readonly bus: Pick<Bus, 'onLive' | 'onReconnect' | 'sync'>;
  readonly reconciling: Reconciling;
  readonly clock: Clock;
  readonly boot: BootClock;
  readonly log: Log;
  readonly footing: Footing;
  readonly mark: Mark | undefined;
  readonly outbox: Outbox;
}

/** Where the stored set stands, for status. */
export interface IntakeState {
  readonly footing: Footing;
  /** Why the set is held, not proven or not stored; the gravest first. */
  readonly problems: readonly Problem[];
  readonly refused: Status['refused'];
  /** When the controller last gave an answer that counts; epoch milliseconds. */
  readonly lastSyncAtMs: number | undefined;
}

/** Where the set stands after a decree to take it anew; with a code it is not taken, or not yet. */
export type Decreed = Omit<ResyncReply, 'v' | 'host'>;

/**
 * Takes messages from bytes to desired state, one at a time.
 *
 * Flow: an update is opened, waits, is judged by the cursor, stored if the set then has its digest, and told to the
 * reconciler. A sync runs at the start, on a tick, after each reconnect and whenever something does not connect.
 * Guarantees: the cursor is a whole prefix of one log, whatever is lost, repeated or reordered (R1 to R4). What is told
 * was committed before (R8). What does not parse changes nothing, and is counted (R9). On a footing that forbids it
 * nothing is laid over the set, and everything is left as it is.
 * Caveats: of the updates that wait for a sync or a commit the newest 64 are kept. A disk that takes nothing is a
 * problem until it has taken the next set, or, where no log wants one any more, anything; what it kept out is fetched again.
 * Errors: `run` ends with StoreError when the store is broken.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #refusals: Refusals;
  readonly #pace: Pace;
  readonly #problems: Problems;
  readonly #waker = new Waker();
  #footing: Footing;
  #waiting: Update[] = [];
  #lastSyncAtMs: number | undefined;
  /** By how much the time of a log that disowns our set is ahead of the monotonic clock: it counts with that log's set. */
  #othersMs: number | undefined;
  /** Somebody decreed that the set is to be the log's, and waits for it. */
  #anew = false;
  #decreed: PromiseWithResolvers<Decreed> | undefined;
  /** What is judged by how things stand is stored before they stand otherwise. */
  readonly #oneByOne = new OneByOne();

  constructor(options: IntakeOptions) {
    const { footing, host, clock, log, outbox } = options;
    this.#options = options;
    this.#refusals = new Refusals(host, clock, log, outbox);
    this.#pace = new Pace(clock);
    this.#footing = footing;
    this.#problems = new Problems(options, footing);
  }

  state(): IntakeState {
    return {
      footing: this.#footing,
      problems: this.#problems.list,
      refused: this.#refusals.summary(),
      lastSyncAtMs: this.#lastSyncAtMs,
    };
  }

  /**
   * Takes the whole set anew, whatever is held against the log (R6), and answers once that is done, or why it is not; what
   * only waits for an answer is tried again. What stands is kept until the set is proven.
   */
  async resync(): Promise<Decreed> {
    if (!asks(this.#footing)) return this.#stand('STORE_NEWER', 'only a newer agent can read the store');
    this.#decreed ??= Promise.withResolvers();
    this.#anew = true;
    this.#pace.wantNow();
    this.#waker.wake();
    return await this.#decreed.promise;
  }

  /** Lets go what the brake withholds, and answers how many redirects that were. Errors: StoreError; then it still holds. */
  release(): Promise<number> {
    return this.#oneByOne.do(() => this.#options.reconciling.release());
  }

  #stand(code?: AnyCode, message?: string): Decreed {
    const { epoch, rev } = this.#footing.at;
    return { epoch, stored: rev, ...(code !== undefined && { code }), ...(message !== undefined && { message }) };
  }

  /** Tells who decreed what came of it; the decree itself stands until the log has answered. */
  #answerDecree(code?: AnyCode, message?: string): void {
    this.#decreed?.resolve(this.#stand(code, message));
    this.#decreed = undefined;
  }

  /** Takes messages until the signal aborts. Call it once. */
  async run(signal: AbortSignal): Promise<void> {
    const { bus } = this.#options;
    bus.onLive((bytes) => this.#receive(bytes));
    bus.onReconnect(() => {
      this.#options.outbox.changed(); // who does not know this host answers NOT_READY until it is heard
      this.#pace.wantNow();
      this.#waker.wake();
    });
    while (!signal.aborted) {
      try {
        await this.#turn(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof StoreError) || !error.passing) throw error;
        this.#problems.unwritable = true;
        this.#problems.note(this.#footing);
        this.#retry(error.code, error.message);
        this.#answerDecree(error.code, error.message);
      }
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const leftMs = asks(this.#footing) ? this.#pace.leftMs : Number.POSITIVE_INFINITY;
    if (leftMs <= 0) await this.#sync(signal);
    else if (takesUpdates(this.#footing) && this.#waiting.length > 0) await this.#takeWaiting();
    else await this.#waker.sleep(this.#options.clock.delay, leftMs, signal);
  }

  #receive(bytes: Uint8Array): void {
    const update = this.#open(bytes);
    if (update === undefined) return;
    if (this.#footing.is === 'held' && !takesUpdates(this.#footing)) return;
    this.#waiting.push(update);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    // Whoever sends updates may answer, too.
    if (this.#footing.is === 'unproven') this.#pace.want();
    this.#waker.wake();
  }

  async #takeWaiting(): Promise<void> {
    const { candidate, again, gap, marks } = fold(this.#footing.at, this.#waiting.splice(0));
    const acceptance = candidate && (await this.#accept(candidate));
    if (candidate === undefined) await this.#mark(marks);
    if (gap || acceptance?.outcome === 'mismatch') this.#pace.want();
    if (again.length > 0) this.#options.reconciling.again(again);
  }

  #accept(candidate: Candidate): Promise<Acceptance> {
    return this.#oneByOne.do(() => this.#store(candidate));
  }

  async #store(candidate: Candidate): Promise<Acceptance> {
    const { store, reconciling, clock, log, outbox, mark } = this.#options;
    const { cursor: at, digest } = candidate;
    const beside = reconciling.judge(candidate);
    const acceptance = await store.accept(candidate, mark?.seq, beside);
    if (acceptance.outcome === 'mismatch') {
      log.warn({ ...at, digest, sound: acceptance.sound }, 'digest does not fit');
      if (!acceptance.sound) this.#step({ kind: 'unsound' });
      return acceptance;
    }
    this.#problems.unwritable = false;
    this.#step({ kind: 'accepted', at, digest, whole: acceptance.whole });
    if (this.#othersMs !== undefined) reconciling.heard(clock.monotonicMs() + this.#othersMs);
    await reconciling.accepted(acceptance, this.#footing, beside);
    outbox.changed();
    return acceptance;
  }

  async #mark(marks: Marks | undefined): Promise<void> {
    if (marks === undefined) return;
    await this.#oneByOne.do(() => this.#options.reconciling.marked(marks));
  }

  /** What the disk refused may be wanted no more: whether it takes anything again only a write tells. */
  async #tryDisk(): Promise<void> {
    if (!this.#problems.unwritable) return;
    await this.#options.store.noteTime(this.#options.boot.now());
    this.#problems.unwritable = false;
    this.#problems.note(this.#footing);
  }

  async #sync(signal: AbortSignal): Promise<void> {
    this.#pace.started();
    const anew = this.#anew;
    const result = await runSync({
      host: this.#options.host,
      footing: this.#footing,
      anew,
      request: (bytes) => this.#options.bus.sync(bytes, signal),
      refused: (error) => this.#refuse(error),
      heard: (atMs, disowns) => this.#hear(atMs, disowns),
      accept: (candidate) => {
        this.#problems.asked(true, this.#footing); // whether the disk takes it or not
        return this.#accept(candidate);
      },
    }).finally(() => {
      this.#othersMs = undefined;
    });
    this.#conclude(result);
    if (anew) this.#concludeDecree(result);
    if (result.outcome === 'failed') return;
    if (result.outcome === 'current' && takesUpdates(this.#footing)) await this.#mark(result.marks);
    await this.#tryDisk();
    // Not before: what a disk refuses is asked for ever less often.
    this.#pace.answered(result.outcome === 'held' ? 'held' : 'well');
  }

  /** What is held ends by the time of its own log. */
  #hear(atMs: number, disowns: boolean): void {
    const { reconciling, clock } = this.#options;
    if (disowns) this.#othersMs = atMs - clock.monotonicMs();
    else reconciling.heard(atMs);
  }

  #concludeDecree(result: SyncResult): void {
    if (result.outcome !== 'failed') this.#anew = false;
    if (result.outcome === 'held') this.#answerDecree(result.hold.why, 'the log does not add up to its digest');
    else if (result.outcome !== 'failed') this.#answerDecree();
    else if (result.code !== 'NOT_READY') this.#answerDecree(result.code, result.message);
  }

  #conclude(result: SyncResult): void {
    if (result.outcome === 'failed') {
      if (result.code === 'NOT_READY') this.#options.outbox.changed(); // it waits for our status
      this.#retry(result.code, result.message);
      this.#problems.asked(false, this.#footing);
      return;
    }
    this.#lastSyncAtMs = this.#options.clock.nowMs();
    this.#problems.asked(true, this.#footing);
    if (result.outcome === 'held') this.#step({ kind: 'held', hold: result.hold });
    if (result.outcome === 'current') this.#step({ kind: 'current' });
  }

  #retry(code: string, reason: string): void {
    const { log } = this.#options;
    const { retryMs, failures } = this.#pace.failed();
    if (failures === 1 && code !== 'DOWN') log.warn({ code, reason, retryMs }, 'sync failed');
    else log.debug({ code, reason, retryMs }, 'sync failed');
  }

  #open(bytes: Uint8Array): Update | undefined {
    try {
      return openUpdate(bytes, this.#options.host);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#refuse(error);
      return undefined;
    }
  }

  #refuse(error: Refused): void {
    this.#refusals.add(error);
    this.#options.outbox.changed();
  }

  #step(event: FootingEvent): void {
    this.#footing = next(this.#footing, event);
    this.#options.reconciling.held(this.#footing.is !== 'follows');
    this.#problems.note(this.#footing);
  }
}
