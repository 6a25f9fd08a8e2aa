import { Waker } from '../../daemon/waker.ts';
import type { Marks } from '../../protocol/marks.ts';
import { type Footing, mayPrune, mayTouch } from '../model/footing.ts';
import { KernelError } from '../model/kernel-error.ts';
import type { Mark } from '../model/mark.ts';
import type { Accepted, Beside, Candidate, Stored } from '../model/stored.ts';
import type { Reconciling } from '../ports.ts';
import { Awaiting } from './awaiting.ts';
import { Confirming } from './confirming.ts';
import { Convergence } from './convergence.ts';
import { GivingUp } from './giving-up.ts';
import { HostJudge } from './guard.ts';
import { Levels } from './levels.ts';
import { LostPins } from './lost-pins.ts';
import { Outcomes } from './outcomes.ts';
import { OwnWords } from './own-words.ts';
import { Periods, roundsOf } from './periods.ts';
import type { ReconcilerOptions } from './reconciler-options.ts';
import { SharedTime } from './shared-time.ts';
import { Strangers } from './strangers.ts';
import type { Progress } from './summarise.ts';
import { type Changes, Taking } from './taking.ts';
import { type View, viewOf } from './view.ts';
import { Watch } from './watch.ts';

/** What a reconciler goes on from. */
export type ReconcilerStart = Pick<Stored, 'intents' | 'entries' | 'seq' | 'brake' | 'unconfirmed' | 'confirmed'>;

/**
 * Keeps the kernel equal to desired state, one pass at a time.
 *
 * Flow: sleep until something is due or somebody wakes it → look at losses → passes until nothing is due → sleep.
 * Guarantees: the mark is in the kernel before anything of the set that it marks (R8); what a pass did is handed to the
 * store before the next begins; applied and verified are raised only when nothing is due any more (I5); while the
 * footing forbids it, nothing is touched.
 * Assumptions: it is the only writer of the maps, and `run` is called once.
 * Caveats: wake-ups carry no facts and coalesce. What a full or busy disk does not take goes with the next pass.
 */
export class Reconciler implements Reconciling {
  readonly #options: ReconcilerOptions;
  #convergence: Convergence;
  readonly #periods: Periods;
  readonly #time: SharedTime;
  readonly #waker = new Waker();
  readonly #outcomes: Outcomes;
  readonly #watch: Watch;
  readonly #pins: LostPins;
  readonly #strangers: Strangers;
  readonly #givingUp: GivingUp;
  readonly #awaiting: Awaiting;
  readonly #confirming: Confirming;
  #ownWords: OwnWords;
  #footing: Footing;
  /** Not in the kernel yet. */
  #mark: Mark | undefined;
  readonly #levels = new Levels();
  readonly #taking: Taking;
  /** Resolves when the next turn has come to rest, or the loop has ended. */
  #rest = Promise.withResolvers<void>();

  constructor(options: ReconcilerOptions, stored: ReconcilerStart, footing: Footing) {
    this.#options = options;
    this.#outcomes = new Outcomes(options);
    this.#time = new SharedTime(options);
    this.#footing = footing;
    // A host that has booted has no mark, and one that died before it was written has an old one.
    if (footing.is === 'follows') this.#mark = { ...footing.at, seq: stored.seq };
    const convergence = (): Convergence => this.#convergence;
    const [time, levels, waker] = [this.#time, this.#levels, this.#waker];
    const lay = (changes: Changes): void => this.#confirming.lay(changes, this.#taking.withheld);
    this.#taking = new Taking({ ...options, time, levels, convergence, waker, lay }, stored);
    const [judge, { withheld }] = [new HostJudge(options.guard), this.#taking];
    const awaiting = new Awaiting(stored, withheld);
    const standing = this.#taking.standing([...awaiting.standing(stored.intents), ...awaiting.lasting]);
    this.#convergence = new Convergence(options.kernel, standing, stored.entries, { judge, withheld, awaiting });
    const nowMs = (): number => options.clock.nowMs();
    this.#confirming = new Confirming({ ...options, awaiting, convergence, outcomes: this.#outcomes, nowMs });
    this.#awaiting = awaiting;
    this.#ownWords = new OwnWords(options.kernel.words);
    this.#watch = new Watch(options, footing.is !== 'follows', (events) => this.#outcomes.record(events));
    this.#strangers = new Strangers(options, (events) => this.#outcomes.record(events));
    this.#givingUp = new GivingUp({ outcomes: this.#outcomes, look: () => this.#watch.lookForSight() });
    this.#pins = new LostPins(() => options.kernel.net, options.log);
    const rounds = roundsOf({
      readBack: () => this.#convergence.readBackNext(),
      network: () => this.#refreshNetwork(),
      guard: () => this.#lookAtGuard(),
      ingresses: () => this.#watch.ingressesNext(),
      probe: () => this.#convergence.probe(),
    });
    this.#periods = new Periods(rounds, options.clock.monotonicMs());
  }

  judge(candidate: Candidate): Beside {
    return { ...this.#taking.judge(candidate), now: () => this.#options.boot.now() };
  }

  accepted(acceptance: Accepted, footing: Footing, beside: Beside): void {
    const { ledger } = this.#convergence;
    const cursor = footing.at;
    // Only now is it known what is foreign.
    if (!mayPrune(this.#footing)) this.#convergence.readBackNext();
    this.#footing = footing;
    this.#mark = { ...cursor, seq: acceptance.seq };
    // What another log says of old is not applied yet either.
    const news = acceptance.put.filter(({ key, rev }) => ledger.desired.get(key)?.rev !== rev);
    this.#levels.lower(news.reduce((least, { rev }) => Math.min(least, rev), cursor.rev));
    if (acceptance.news !== undefined) this.#confirming.take(acceptance.news);
    this.#taking.take(acceptance, beside);
  }

  held(is: boolean): void {
    this.#watch.hold(is);
  }

  again(keys: readonly string[]): void {
    this.#convergence.again(keys);
    this.#waker.wake();
  }

  async marked(marks: Marks): Promise<void> {
    await this.#taking.marked(marks);
    if (marks.confirmed === undefined) return;
    await this.#confirming.confirm(this.#footing.at.epoch, marks.confirmed);
    this.#waker.wake();
  }

  /** Something waits to be confirmed. */
  get awaits(): boolean {
    return this.#awaiting.some;
  }

  release(): Promise<number> {
    return this.#taking.release();
  }

  /** Those of these keys that are idle stand again once it resolves, or say why not. */
  arm(keys: readonly string[]): Promise<void> {
    this.#givingUp.arm(keys);
    return this.settle();
  }

  heard(atMs: number): void {
    this.#time.heard(atMs);
    this.#waker.wake();
  }

  progress(): Progress {
    const { desired, states } = this.#confirming.told;
    return {
      cursor: this.#footing.at,
      applied: this.#levels.applied,
      verified: this.#levels.verified,
      desired,
      states,
      deleteAbsent: this.#convergence.deleteAbsent,
      drifted: this.#strangers.drifted,
      mapProblems: this.#strangers.problems(this.#convergence),
      slotsUsed: this.#convergence.slotsUsed,
      limits: this.#options.kernel.entries.limits,
      shapes: this.#convergence.shapes,
      network: this.#convergence.network,
      bypass: this.#options.kernel.words.bypass(),
      guarded: this.#convergence.judge.told,
      clockAheadMs: this.#time.aheadMs,
      ...this.#taking.said,
      awaited: this.#confirming.said,
      ...this.#watch.seen,
    };
  }

  /** For `dump` and `explain`. */
  get view(): View {
    const convergence = (): Convergence => this.#convergence;
    return viewOf(convergence, { watch: this.#watch, taking: this.#taking, confirming: this.#confirming }, () => [
      ...this.#watch.attachProblems,
      ...this.#strangers.problems(this.#convergence),
    ]);
  }

  /** Resolves once what is due at the call is settled, or the loop has ended. */
  settle(): Promise<void> {
    this.#waker.wake();
    return this.#rest.promise;
  }

  /**
   * Makes passes until the signal aborts; a pass under way is finished. Errors: KernelError, and StoreError when the
   * store is lost: nothing more is claimed then.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, kernel } = this.#options;
    using _watching = kernel.net.watch(() => {
      this.#convergence.refreshNetworkNext();
      this.#waker.wake();
    });
    try {
      while (!signal.aborted) {
        const { resolve } = this.#rest;
        this.#rest = Promise.withResolvers();
        await this.#comeToRest(signal).finally(resolve);
        await this.#waker.sleep(clock.delay, this.#leftMs(), signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#rest.resolve();
      await this.#outcomes.summarise(true);
    }
  }

  async #comeToRest(signal: AbortSignal): Promise<void> {
    do await this.#turn(signal);
    while (this.#mayWork && this.#pending && !signal.aborted);
    this.#outcomes.rest();
  }

  get #mayWork(): boolean {
    return mayTouch(this.#footing) && !this.#pins.lost;
  }

  /** How long there is nothing to do, in milliseconds. */
  #leftMs(): number {
    const { clock } = this.#options;
    const periodMs = Math.min(this.#periods.nextMs, this.#outcomes.dueMs) - clock.monotonicMs();
    if (!this.#mayWork) return Math.max(1, periodMs);
    if (this.#convergence.silence.more) return 1;
    const dueMs = Math.min(this.#convergence.leftMs(this.#time.nowMs()), this.#confirming.leftMs());
    return Math.max(1, Math.min(periodMs, dueMs));
  }

  async #turn(signal: AbortSignal): Promise<void> {
    this.#periods.run(this.#options.clock.monotonicMs());
    this.#takeTime();
    await this.#outcomes.summarise();
    await this.#outcomes.record(this.#taking.untold());
    try {
      await this.#follow();
      if (this.#pins.lost) await this.#regain();
      await this.#watch.look(this.#convergence);
      if (mayTouch(this.#footing)) await this.#converge(signal);
    } catch (error) {
      if (!this.#pins.explain(error)) throw error;
      // Nothing is claimed of maps that no packet meets, until there are pins again.
      this.#convergence.ledger.block('NOT_ATTACHED', this.#options.clock.nowMs());
      await this.#watch.lose();
    }
  }

  /** Goes on with the maps that take the place of these, once it has them whole. */
  async #follow(): Promise<void> {
    const followed = this.#options.follow?.() ?? 'same';
    if (followed === 'arrived') this.#convergence.refreshNetworkNext();
    if (followed !== 'other') return;
    const { log, kernel } = this.#options;
    try {
      await this.#regain();
      log.info({ pins: kernel.pins }, 'other maps take the place of those before: filling them');
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      log.warn({ error }, 'maps that are to take the place of these cannot be had yet');
    }
  }

  /** Begins anew with what is pinned now. Errors: KernelError while nothing is. */
  async #regain(): Promise<void> {
    const { kernel, reopen } = this.#options;
    await reopen();
    const before = this.#convergence;
    const { desired, states } = before.ledger;
    const [{ judge }, { withheld }] = [before, this.#taking];
    const against = { judge, withheld, awaiting: this.#awaiting };
    this.#convergence = new Convergence(kernel, [...desired.values()], [...states.values()], against);
    this.#convergence.deleteAbsent = before.deleteAbsent;
    this.#mark ??= this.#ownWords.known;
    this.#ownWords = new OwnWords(kernel.words);
    this.#watch.ingressesNext();
    this.#pins.found();
  }

  /** Makes passes until nothing is due, or something else has its turn. */
  async #converge(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    do {
      await clock.turn();
      await this.#confirming.prepare();
      await this.#givingUp.prepare(this.#convergence, this.#time.nowMs());
      // To store a thousand of them takes as long as a pass over them.
      if (this.#convergence.silence.givesUp) await clock.turn();
      const nowMs = this.#time.nowMs();
      this.#writeMark(); // nothing is waited for between this and what it says
      const done = this.#convergence.pass(nowMs, () => clock.random(), mayPrune(this.#footing));
      const result = this.#strangers.note(done, this.#ownWords, this.#convergence, nowMs);
      await this.#outcomes.take(result, this.#convergence.ledger.desired);
      await this.#strangers.tell(this.#convergence);
      if (result.changed.length > 0 || result.readBack) this.#options.outbox.changed();
    } while (this.#pending && !signal.aborted && clock.monotonicMs() < this.#periods.nextMs);
    if (this.#pending) return;
    this.#ownWords.setReady();
    this.#advance();
  }

  get #pending(): boolean {
    return this.#convergence.pending || this.#givingUp.pending || this.#confirming.pending;
  }

  /** Looks again at what ends by time where it is another time than was thought. */
  #takeTime(): void {
    if (!this.#time.take()) return;
    this.#convergence.ledger.timeMoved();
    this.#options.outbox.changed();
  }

  #writeMark(): void {
    if (this.#mark !== undefined) this.#ownWords.setMark(this.#mark);
    this.#mark = undefined;
  }

  /** Every change up to the cursor now stands where packets meet it and was read back, or is among the exceptions. */
  #advance(): void {
    if (this.#convergence.network.coming === true || this.#awaiting.waits) return;
    if (this.#levels.raise(this.#footing.at.rev)) this.#options.outbox.changed();
  }

  #lookAtGuard(): void {
    if (this.#convergence.lookAtGuard()) this.#options.outbox.changed();
  }

  /** Looks at the network without a notice. */
  #refreshNetwork(): void {
    this.#convergence.refreshNetworkNext();
    this.#watch.lookAtBypass();
  }
}
