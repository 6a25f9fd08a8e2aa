import type { Parts } from '../../daemon/parts.ts';
import type { Intent } from '../../protocol/intent.ts';
import type { OpResult } from '../model/op.ts';
import type { EntryState } from '../model/state.ts';
import type { Kernel, ObservedEntry } from '../ports.ts';
import { applyOps } from './apply.ts';
import { notAsWanted } from './as-wanted.ts';
import { Awaiting } from './awaiting.ts';
import { Departed } from './departed.ts';
import { Expiry } from './expiry.ts';
import { Fights } from './fights.ts';
import { HostJudge } from './guard.ts';
import { Idle } from './idle.ts';
import { KnownPorts } from './known-ports.ts';
import { Ledger } from './ledger.ts';
import { Looks } from './looks.ts';
import { ObservedCache } from './observed-cache.ts';
import { type OutcomeInput, sameState, stateAfter } from './outcome.ts';
import type { Changed, Gone, PassResult } from './pass-result.ts';
import { PassTime } from './pass-time.ts';
import { Placements } from './placements.ts';
import { type Plan, plan } from './plan.ts';
import type { Against, PlanInput } from './plan-input.ts';
import { ReadBack } from './read-back.ts';
import { Retries } from './retries.ts';
import { Schedule } from './schedule.ts';
import { Silence } from './silence.ts';
import { Slots } from './slots.ts';
import type { ZoneAnswer } from './target.ts';
import { Targets } from './targets.ts';
import { Touched } from './touched.ts';
import { Waiting } from './waiting.ts';

/** The most keys that one pass takes, so that the loop turns while a hundred thousand wait; the first ones run on code that is cold. */
const SCOPE = { first: 64, most: 500 };

/**
 * Makes observed equal desired, for the keys that are due. It is the only writer of kernel state, synchronous, and knows
 * neither store nor bus.
 *
 * Flow: read back if that is due → take keys → plan → apply → look again at what was touched → say what became of each.
 * Guarantees: what the ledger says of a key is what the kernel said last, never what was asked of it; a slot is given to
 * another key only after no CPU can count into it for the first.
 * Errors: KernelError from every method that takes the kernel's word; nothing can be said of its state then.
 */
export class Convergence {
  readonly schedule = new Schedule();
  readonly ledger: Ledger;
  readonly silence: Silence;
  readonly slots: Slots;
  /** Whose packets may have been lost just before their entries left; whoever looks at losses clears it. */
  readonly departed = new Departed();
  readonly fights = new Fights();
  /** Slots that count from zero; whoever looks at passed hits clears it. */
  readonly retired = new Set<number>();
  deleteAbsent = 0n;
  /** By it plans are made. */
  readonly judge: HostJudge;
  readonly targets: Targets;
  readonly observed: ObservedCache;
  readonly #kernel: Kernel;
  readonly #awaiting: Awaiting;
  readonly #retries = new Retries(this.schedule);
  readonly #placed: Placements;
  readonly #waiting: Waiting;
  readonly #idle: Idle;
  readonly #ports = new KnownPorts();
  readonly #readBack: ReadBack;
  readonly #looks: Looks;
  readonly #touched: Touched;
  /** Of what plans depend on, what stays the same thing. */
  readonly #planned: Omit<PlanInput, 'scope' | 'ports' | 'protect' | 'clock' | 'foreign'>;
  #scope = SCOPE.first;
  #cleared = false;
  #guardChanged = false;

  private constructor(
    kernel: Kernel,
    { judge = new HostJudge(), withheld = new Map(), awaiting = new Awaiting() }: Against,
    observed: ObservedCache,
  ) {
    const { entries, clock } = kernel;
    this.#kernel = kernel;
    this.judge = judge;
    this.#awaiting = awaiting;
    this.targets = new Targets(kernel.net);
    this.observed = observed;
    this.#placed = new Placements((intent) => this.targets.placeOf(intent, (id) => observed.entries.has(id)));
    this.#waiting = new Waiting(entries.limits.shapes, judge);
    this.#idle = new Idle(clock.now().hz);
    const { schedule, fights, departed } = this;
    const [placed, targets, ports] = [this.#placed, this.targets, this.#ports];
    const [idle, waiting] = [this.#idle, this.#waiting];
    this.ledger = new Ledger(schedule, [new Expiry(schedule), this.#retries, placed, waiting, idle, awaiting]);
    this.slots = new Slots(entries.limits.slots);
    const { ledger, slots } = this;
    const { desired, states } = ledger;
    const judged = { withheld, guard: judge, awaiting };
    this.#planned = { desired, states, observed, limits: entries.limits, placed, targets, slots, ...judged };
    const release = (gone: ReadonlySet<number>): void => this.#release(gone);
    const stands = (key: string): boolean => this.entryOf(key) !== undefined;
    this.silence = new Silence({ kernel, schedule, ledger, idle, waiting, slots, stands, release });
    const zoneOf = (ifname: string): ZoneAnswer => targets.zoneOf(ifname);
    this.#readBack = new ReadBack({ entries, observed, placed, desired, zoneOf });
    this.#looks = new Looks({ readBack: this.#readBack, targets, ports, schedule, ledger, fights });
    this.#touched = new Touched({ entries, observed, placed, departed, fights, ports, looks: this.#looks });
  }

  /** Begins with a set, a part of it at a time. Errors: KernelError. */
  static *on(
    kernel: Kernel,
    intents: readonly Intent[],
    states: readonly EntryState[],
    against: Against = {},
  ): Parts<Convergence> {
    const { entries, ...lists } = kernel.entries.observe();
    const it = new Convergence(kernel, against, new ObservedCache(lists));
    yield* it.ledger.desire(intents);
    it.#readBack.begin(yield* it.observed.fill(entries, it.ledger.desired));
    const known = yield* it.ledger.begin(states);
    yield* it.slots.recover({ ...known, observed: it.observed.entries, idOf: (key) => it.idOf(key) });
    yield* it.silence.reconsider();
    return it;
  }

  get network(): Targets['network'] {
    return this.targets.network;
  }

  get shapes(): number {
    return (this.observed.shapes[4]?.length ?? 0) + (this.observed.shapes[6]?.length ?? 0);
  }

  idOf(key: string): string {
    return this.#placed.idOf(key);
  }

  /** How long a pass has nothing to do, in milliseconds. */
  leftMs(nowMs: number): number {
    return Math.min(this.schedule.leftMs(nowMs), this.fights.lookMs - nowMs);
  }

  /** True while a pass has something to do, whatever the time. */
  get pending(): boolean {
    return this.#looks.pending || this.#guardChanged || this.schedule.pending;
  }

  /** How many keys are due, whatever the time. */
  get due(): number {
    return this.schedule.due;
  }

  entryOf(key: string): ObservedEntry | undefined {
    return this.observed.entries.get(this.idOf(key));
  }

  /** Looks at these keys again, in the kernel first: they may stand otherwise than was seen. */
  again(keys: readonly string[]): void {
    this.#readBack.suspect(keys);
    this.schedule.markDue(keys);
  }

  /** Whose hits a slot counts. */
  holderOf(slot: number): Intent | undefined {
    const key = this.slots.holderOf(slot);
    return key === undefined ? undefined : this.ledger.desired.get(key);
  }

  readBackNext(): void {
    this.#looks.allNext();
  }

  /** Looks whether the guard is another one: what it denied may stand then, and what stands may not. */
  lookAtGuard(): boolean {
    const changed = this.judge.look();
    if (changed) this.schedule.markDue(this.ledger.desired.keys());
    this.#guardChanged ||= changed;
    return changed;
  }

  refreshNetworkNext(): void {
    this.#looks.networkNext();
  }

  /** Asks every neighbour in use again, so that its entry neither ages out nor stays unresolved. */
  probe(): void {
    for (const { ifindex, address } of this.targets.probes()) this.#kernel.net.probe(ifindex, address);
  }

  /**
   * One pass over what is due. What is foreign is found by a full read-back, and goes, a part with each pass, only while
   * `prune` says that the set is proven.
   */
  pass(nowMs: number, random: () => number, prune: boolean): PassResult {
    this.#clearFree();
    this.again(this.silence.recall());
    this.#guardChanged = false;
    const { found, isAll: readBack } = this.#looks.look(prune, nowMs);
    const scope = this.schedule.take(nowMs, this.#scope);
    this.#scope = Math.min(SCOPE.most, 2 * this.#scope);
    const late = this.#readBack.look(scope.filter((key) => !this.fights.holds(key, nowMs)));
    const drifted = [...found, ...this.fights.note(late, this.ledger.desired, nowMs)];
    const now = new PassTime(this.#kernel.clock, nowMs);
    const decided = this.#plan(scope, now, this.#readBack.takeForeign(prune));
    const results = applyOps(this.#kernel.entries, decided.ops);
    return { ...this.#conclude(decided, results, now, random), drifted, readBack, decided: scope.length };
  }

  /** Decides about these keys, where there is anything to decide, and gives them their slots. */
  #plan(keys: readonly string[], clock: PlanInput['clock'], foreign: readonly string[]): Plan {
    const [{ protect }, { stand }] = [this.judge, this.#ports];
    const input = { ...this.#planned, scope: keys, ports: stand, protect, clock, foreign };
    const { ledger, slots, fights } = this;
    const scope = notAsWanted(input, keys, { ledger, slots, fights, idle: this.#idle, observed: this.observed });
    const decided = plan({ ...input, scope });
    this.slots.take(decided.slotsTaken);
    for (const { key, slot } of decided.decisions) if (slot !== null) this.slots.hold(slot, key);
    return decided;
  }

  /** Before the first slot is given out: what is counted in those that nobody holds is nobody's. */
  #clearFree(): void {
    if (this.#cleared) return;
    this.#kernel.counts.retire(this.slots.free);
    this.#cleared = true;
  }

  /**
   * Says what became of each key. The kernel is looked at first, because its word is what counts; slots are released
   * last, when no key that was decided here can still be counted in one.
   */
  #conclude(
    decided: Plan,
    results: readonly OpResult[],
    { nowMs, jiffies }: PlanInput['clock'],
    random: () => number,
  ): Pick<PassResult, 'changed' | 'forgotten'> {
    const { released, absent } = this.#touched.look(decided.ops, results, nowMs);
    this.deleteAbsent += BigInt(absent);
    const last = this.silence.last(decided.decisions);
    const changed: Changed[] = [];
    const forgotten: Gone[] = [];
    for (const decision of decided.decisions) {
      if (decision.leaves === 'until armed') {
        this.#awaiting.arm(decision.key);
        continue;
      }
      const before = this.ledger.states.get(decision.key);
      const standing = this.#idle.take(decision.key);
      const mine = decision.ops.map((i) => results[i] as OpResult);
      const isOver = decision.intent === undefined && !this.#awaiting.isMissed(decision.key);
      if (isOver && mine.every((result) => result.done)) {
        const gone = this.#forget(decision.key, before?.slot ?? null, released);
        if (before !== undefined || mine.length > 0) forgotten.push(gone);
      } else {
        const givenUp = standing !== undefined;
        const input = { decision, results: mine, before, last: last.get(decision.key), givenUp };
        const now = this.#settle({ ...input, jiffies, nowMs, random: random() });
        const was = standing ?? before;
        const isUnstored = this.ledger.takeUnstored(decision.key);
        if (isUnstored || !sameState(was, now))
          changed.push({ before: was, now, stored: !isUnstored && sameState(before, now) });
      }
    }
    this.#release(released);
    return { changed, forgotten };
  }

  #settle(input: Omit<OutcomeInput, 'seen' | 'tries' | 'crowd' | 'fought'>): EntryState {
    const { key, want, state } = input.decision;
    if (want !== undefined) this.observed.entries.share(want.id, want.key.match);
    const seen = want === undefined ? undefined : this.observed.entries.get(want.id);
    const retries = { tries: this.#retries.tries(key), crowd: this.#retries.crowd };
    const now = stateAfter({ ...input, seen, ...retries, fought: this.fights.fought(key) });
    if (now.retryAtMs !== undefined && now.errno === undefined) this.fights.noteUndone(key, input.nowMs);
    this.ledger.settle(input.decision, now);
    if (state === 'idle' && now.state === 'pending') this.schedule.markDue([key]);
    return now;
  }

  #forget(key: string, slot: number | null, released: Set<number>): Gone {
    if (slot !== null) {
      this.slots.drop(slot, key);
      released.add(slot);
    }
    this.fights.forget(key);
    return this.ledger.forget(key);
  }

  /** Frees slots that no key holds, and wakes those that waited for room of any kind. */
  #release(gone: ReadonlySet<number>): void {
    const released = gone.size > 0 ? this.slots.release(gone) : [];
    if (gone.size > 0) this.#kernel.counts.retire(released);
    for (const slot of released) this.retired.add(slot);
    const removed = this.#looks.takeRoomMade() || gone.size > 0;
    this.schedule.markDue(this.#waiting.ready(this.slots.free.length, this.observed, removed));
  }
}
