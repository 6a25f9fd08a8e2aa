import { Waker } from '../../daemon/waker.ts';
import type { Marks } from '../../protocol/marks.ts';
import { type Footing, isOvertaken, mayPrune, mayTouch } from '../model/footing.ts';
import type { Accepted, Beside, Candidate, Stored } from '../model/stored.ts';
import type { Reconciling } from '../ports.ts';
import { Admission, type Admitted } from './admission.ts';
import type { Convergence } from './convergence.ts';
import { GivingUp } from './giving-up.ts';
import { Levels } from './levels.ts';
import { OpenPins } from './open-pins.ts';
import { Outcomes } from './outcomes.ts';
import { OwnWords } from './own-words.ts';
import { Periods, roundsOf } from './periods.ts';
import type { ReconcilerOptions } from './reconciler-options.ts';
import { SharedTime } from './shared-time.ts';
import { Strangers } from './strangers.ts';
import type { Progress } from './summarise.ts';
import { type View, viewOf } from './view.ts';
import { Watch } from './watch.ts';

/** A pass over so many keys is over before anybody would have his turn. */
const FEW_KEYS = 8;

/** What a reconciler goes on from. */
export type ReconcilerStart = Admitted & Pick<Stored, 'seq'>;

/**
 * Keeps the kernel equal to desired state, one pass at a time.
 *
 * Flow: sleep until something is due or somebody wakes it → look at losses → passes until nothing is due → sleep. A change or
 * two have their passes before that look.
 * Guarantees: the mark is in the kernel before anything of the set that it marks (R8); what a pass did is handed to the
 * store before the next begins; applied and verified are raised only when nothing is due any more (I5); while the
 * footing forbids it, nothing is touched.
 * Assumptions: it is the only writer of the maps, and `run` is called once.
 * Caveats: wake-ups carry no facts and coalesce. What a full or busy disk does not take goes with the next pass.
 */
export class Reconciler implements Reconciling {
  readonly #options: ReconcilerOptions;
  readonly #admission: Admission;
  readonly #periods: Periods;
  readonly #time: SharedTime;
  readonly #waker = new Waker();
  readonly #outcomes: Outcomes;
  readonly #watch: Watch;
  readonly #pins: OpenPins;
  readonly #strangers: Strangers;
  readonly #givingUp: GivingUp;
  #ownWords: OwnWords;
  #footing: Footing;
  readonly #levels = new Levels();
  /** The maps have more to do that nobody waits for. */
  #goesOn = false;
  /** Resolves when the next turn has come to rest, or the loop has ended. */
  #rest = Promise.withResolvers<void>();

  constructor(options: ReconcilerOptions, start: ReconcilerStart, footing: Footing) {
    this.#options = options;
    this.#outcomes = new Outcomes(options);
    this.#time = new SharedTime(options);
    this.#footing = footing;
    const [outcomes, time, levels, waker] = [this.#outcomes, this.#time, this.#levels, this.#waker];
    this.#admission = new Admission({ ...options, outcomes, time, levels, waker }, start);
    // A host that has booted has no mark, and one that died before it was written has an old one.
    const mark = footing.is === 'follows' ? { ...footing.at, seq: start.seq } : undefined;
    this.#ownWords = new OwnWords(options.kernel.words, mark);
    this.#watch = new Watch(options, footing.is !== 'follows', (events) => this.#outcomes.record(events));
    this.#strangers = new Strangers(options, (events) => this.#outcomes.record(events));
    this.#givingUp = new GivingUp({ outcomes: this.#outcomes, look: () => this.#watch.lookForSight() });
    this.#pins = new OpenPins({ ...options, renew: () => this.#renew() });
    const rounds = roundsOf({
      readBack: () => this.#convergence.readBackNext(),
      network: () => this.#refreshNetwork(),
      guard: () => this.#convergence.lookAtGuard() && options.outbox.changed(),
      store: () => options.store.requireSame(),
      ingresses: () => this.#watch.ingressesNext(),
      probe: () => this.#convergence.probe(),
    });
    this.#periods = new Periods(rounds, options.clock.monotonicMs());
  }

  judge(candidate: Candidate): Beside {
    this.#outcomes.expect(candidate.changes.length);
    return this.#admission.judge(candidate, isOvertaken(this.#footing));
  }

  accepted(acceptance: Accepted, footing: Footing, beside: Beside): Promise<void> {
    const { ledger } = this.#convergence;
    // Only now is it known what is foreign.
    if (!mayPrune(this.#footing)) this.#convergence.readBackNext();
    this.#footing = footing;
    this.#ownWords.markNext({ ...footing.at, seq: acceptance.seq });
    // What another log says of old is not applied yet either.
    const news = acceptance.put.filter(({ key, rev }) => ledger.desired.get(key)?.rev !== rev);
    this.#levels.lower(news.reduce((least, { rev }) => Math.min(least, rev), footing.at.rev));
    return this.#admission.take(acceptance, beside);
  }

  held(is: boolean): void {
    this.#watch.hold(is);
  }

  again(keys: readonly string[]): void {
    this.#admission.converging.again(keys);
    this.#waker.wake();
  }

  marked(marks: Marks): Promise<void> {
    return this.#admission.marked(this.#footing.at.epoch, marks);
  }

  /** Something waits to be confirmed. */
  get awaits(): boolean {
    return this.#admission.awaits;
  }

  release(): Promise<number> {
    return this.#admission.release();
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
    return {
      cursor: this.#footing.at,
      applied: this.#levels.applied,
      verified: this.#levels.verified,
      deleteAbsent: this.#convergence.deleteAbsent,
      drifted: this.#strangers.drifted,
      mapProblems: this.#strangers.problems(this.#convergence),
      slotsUsed: this.#convergence.slots.used,
      limits: this.#options.kernel.entries.limits,
      shapes: this.#convergence.shapes,
      network: this.#convergence.network,
      bypass: this.#options.kernel.words.bypass(),
      guarded: this.#convergence.judge.told,
      clockAheadMs: this.#time.aheadMs,
      ...this.#admission.said,
      ...this.#watch.seen,
    };
  }

  /** For `dump` and `explain`. */
  get view(): View {
    const [watch, admission] = [this.#watch, this.#admission];
    const mapProblems = () => [...watch.attachProblems, ...this.#strangers.problems(this.#convergence)];
    return viewOf({ watch, admission, mapProblems });
  }

  /** Resolves once what is due at the call is settled, or the loop has ended. */
  async settle(): Promise<void> {
    while (this.#admission.laid !== undefined) await this.#admission.laid;
    this.#waker.wake();
    await this.#rest.promise;
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
    // A change or two have nobody wait; whoever goes on and on lets others work in between.
    let isFirst = true;
    do {
      await this.#turn(signal, isFirst && this.#convergence.due <= FEW_KEYS);
      isFirst = false;
    } while (this.#mayWork && this.#pending && !signal.aborted);
    this.#outcomes.rest();
  }

  get #convergence(): Convergence {
    return this.#admission.converging.now;
  }

  get #mayWork(): boolean {
    return this.#mayConverge && !this.#pins.lost;
  }

  /** While only a part of the set is known, what stands of the rest would be taken for foreign. */
  get #mayConverge(): boolean {
    return mayTouch(this.#footing) && this.#admission.laid === undefined;
  }

  /** How long there is nothing to do, in milliseconds. */
  #leftMs(): number {
    const periodMs = Math.min(this.#periods.nextMs, this.#outcomes.dueMs) - this.#options.clock.monotonicMs();
    if (!this.#mayWork) return Math.max(1, periodMs);
    if (this.#goesOn) return 1;
    const dueMs = Math.min(this.#convergence.leftMs(this.#time.nowMs()), this.#admission.confirming.leftMs());
    return Math.max(1, Math.min(periodMs, dueMs));
  }

  async #turn(signal: AbortSignal, atOnce: boolean): Promise<void> {
    this.#periods.run(this.#options.clock.monotonicMs());
    this.#takeTime();
    await this.#outcomes.summarise();
    await this.#outcomes.record(this.#admission.untold());
    try {
      const goesFirst = atOnce && this.#convergence.due > 0 && this.#mayWork && !this.#watch.isDue;
      if (goesFirst) await this.#converge(signal, true);
      if (await this.#pins.follow()) this.#convergence.refreshNetworkNext();
      if (this.#pins.lost) await this.#pins.regain();
      await this.#watch.look(this.#convergence);
      if (!goesFirst && this.#mayConverge) await this.#converge(signal, atOnce);
      this.#goesOn = this.#mayWork && (this.#options.kernel.entries.tend() || this.#convergence.silence.more);
    } catch (error) {
      if (!this.#pins.explain(error)) throw error;
      this.#goesOn = false;
      // Nothing is claimed of maps that no packet meets, until there are pins again.
      this.#convergence.ledger.block('NOT_ATTACHED', this.#options.clock.nowMs());
      await this.#watch.lose();
    }
  }

  /** Goes on with the maps that are open now. Errors: KernelError. */
  async #renew(): Promise<void> {
    await this.#admission.converging.renew(this.#options.clock);
    this.#ownWords = this.#ownWords.movedTo(this.#options.kernel.words);
    this.#watch.ingressesNext();
  }

  /** Makes passes until nothing is due, or something else has its turn; with `atOnce`, the first of them now. */
  async #converge(signal: AbortSignal, atOnce: boolean): Promise<void> {
    const { clock } = this.#options;
    let now = atOnce;
    do {
      if (!now) await clock.turn();
      now = false;
      await this.#admission.confirming.prepare();
      await this.#givingUp.prepare(this.#convergence, this.#time.nowMs());
      // To store a thousand of them takes as long as a pass over them.
      if (this.#convergence.silence.givesUp) await clock.turn();
      if (!this.#mayConverge) return;
      const nowMs = this.#time.nowMs();
      this.#ownWords.writeMark(); // nothing is waited for between this and what it says
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
    return this.#convergence.pending || this.#givingUp.pending || this.#admission.confirming.pending;
  }

  /** Looks again at what ends by time where it is another time than was thought. */
  #takeTime(): void {
    if (!this.#time.take()) return;
    this.#convergence.ledger.timeMoved();
    this.#options.outbox.changed();
  }

  /** Every change up to the cursor now stands where packets meet it and was read back, or is among the exceptions. */
  #advance(): void {
    if (this.#convergence.network.coming === true || this.#admission.waits) return;
    if (this.#levels.raise(this.#footing.at.rev)) this.#options.outbox.changed();
  }

  /** Looks at the network without a notice. */
  #refreshNetwork(): void {
    this.#convergence.refreshNetworkNext();
    this.#watch.lookAtBypass();
  }
}
