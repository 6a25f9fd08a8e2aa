import type { Parts } from '../../daemon/parts.ts';
import type { Waker } from '../../daemon/waker.ts';
import type { Event } from '../../protocol/event.ts';
import type { Intent } from '../../protocol/intent.ts';
import type { Marks } from '../../protocol/marks.ts';
import type { BrakeChange } from '../model/brake.ts';
import type { Accepted, Beside, Candidate, Changes, Stored } from '../model/stored.ts';
import { Awaiting } from './awaiting.ts';
import { Braking, type Done } from './braking.ts';
import { Confirming, INTENTS_AT_ONCE } from './confirming.ts';
import { Convergence } from './convergence.ts';
import { Converging } from './converging.ts';
import type { Before } from './cuts.ts';
import { HostJudge } from './guard.ts';
import type { Levels } from './levels.ts';
import type { Outcomes } from './outcomes.ts';
import type { ReconcilerOptions } from './reconciler-options.ts';
import type { SharedTime } from './shared-time.ts';
import { StillStanding } from './still-standing.ts';
import type { Progress } from './summarise.ts';
import { tellBrake } from './tell.ts';

/** What it goes on from. */
export type AdmissionStart = Pick<Stored, 'intents' | 'entries' | 'brake' | 'unconfirmed' | 'confirmed'>;

/** What of a stored set may stand, and what converges on it. */
export interface Admitted {
  readonly braking: Braking;
  readonly awaiting: Awaiting;
  readonly converging: Converging;
}

/** Goes through a stored set, a part of it at a time. Errors: KernelError. */
export function* admit(
  { kernel, clock, guard }: Pick<ReconcilerOptions, 'kernel' | 'clock' | 'guard'>,
  stored: AdmissionStart,
): Parts<Admitted> {
  const braking = new Braking(stored.brake, stored.intents, clock.nowMs());
  const withheld = braking.held;
  const awaiting = new Awaiting(stored, withheld);
  const standing = braking.standing([...awaiting.standing(stored.intents), ...awaiting.lasting]);
  const against = { judge: new HostJudge(guard), withheld, awaiting };
  const now = yield* Convergence.on(kernel, standing, stored.entries, against);
  return { braking, awaiting, converging: new Converging(kernel, against, now) };
}

export interface AdmissionParts
  extends Pick<ReconcilerOptions, 'kernel' | 'store' | 'clock' | 'boot' | 'log' | 'host' | 'outbox'> {
  readonly time: Pick<SharedTime, 'nowMs'>;
  readonly levels: Levels;
  readonly outcomes: Outcomes;
  /** Wakes whoever has it converge. */
  readonly waker: Pick<Waker, 'wake'>;
}

const NOTHING: Changes = { put: [], removed: [], whole: false };

/**
 * What stands between the set and what converges. First the brake: what it withholds is as if it had never come. Then
 * confirmation: of what is left, what was taken back stays as it was, and what may not go yet stays.
 */
export class Admission {
  readonly converging: Converging;
  readonly confirming: Confirming;
  readonly #parts: AdmissionParts;
  readonly #braking: Braking;
  readonly #awaiting: Awaiting;
  #untold: Event[] = [];
  #laid: Promise<void> | undefined;

  constructor(parts: AdmissionParts, { braking, awaiting, converging }: Admitted) {
    this.#parts = parts;
    this.#braking = braking;
    this.#awaiting = awaiting;
    this.converging = converging;
    this.confirming = new Confirming({ ...parts, awaiting, converging });
  }

  get withheld(): Braking['held'] {
    return this.#braking.held;
  }

  /** Something waits to be confirmed. */
  get awaits(): boolean {
    return this.#awaiting.some;
  }

  /** Something could be carried out, and is not before the disk has it. */
  get waits(): boolean {
    return this.#awaiting.waits;
  }

  /** Resolves once the set is known as a whole; undefined: it is. */
  get laid(): Promise<void> | undefined {
    return this.#laid;
  }

  /** For status. */
  get said(): Pick<Progress, 'desired' | 'states' | 'permit' | 'brake' | 'awaited'> {
    const { told, said: awaited } = this.confirming;
    return { ...told, permit: this.#braking.permit, brake: this.#braking.status, awaited };
  }

  /** What is to be stored with a candidate. Where the kernel was told of another set, it is judged by what stands there of this one. */
  judge(candidate: Candidate, overtaken: boolean): Beside {
    const { clock, time, boot } = this.#parts;
    const times = { nowMs: time.nowMs(), monotonicMs: clock.monotonicMs(), wallMs: clock.nowMs() };
    const { ledger } = this.converging.now;
    const before = overtaken ? this.#standingAt(times.nowMs) : ledger;
    const brake = this.#braking.judge(candidate, { desired: before.desired, states: before.states, ...times });
    const otherwise = brake.hold.flatMap(({ key, last }) => (ledger.desired.get(key) === last ? [] : [last]));
    return { brake, now: () => boot.now(), ...(otherwise.length > 0 && { otherwise }) };
  }

  /** What stands carries packets, whatever is stored of its state. */
  #standingAt(nowMs: number): Pick<Before, 'desired' | 'states'> {
    return { desired: new StillStanding(this.converging.now, this.#parts.kernel.clock, nowMs), states: new Map() };
  }

  /** Changes are stored, and with them what was judged. Of very many others have their turn in between. */
  async take(changes: Changes & Pick<Accepted, 'news'>, { brake, otherwise = [] }: Beside): Promise<void> {
    if (changes.news !== undefined) this.confirming.take(changes.news);
    const before = this.#braking.status;
    const done: Done = brake === undefined ? { ...changes, kept: [] } : this.#braking.take(brake, changes);
    this.converging.now.ledger.put(otherwise);
    const many = this.confirming.lay({ ...done, whole: changes.whole }, this.withheld);
    if (many.length > 0) {
      this.#laid = this.#layParts(many);
      await this.#laid;
      this.#laid = undefined;
    }
    this.converging.now.schedule.markDue(done.kept);
    const { host, clock, waker } = this.#parts;
    this.#untold.push(...tellBrake({ host, at: clock.nowMs() }, before, this.#braking.status));
    waker.wake();
  }

  /** Whatever converges by then, for maps may have taken the place of others; and meanwhile a change may have been taken back. */
  async #layParts(intents: readonly Intent[]): Promise<void> {
    for (let at = 0; at < intents.length; at += INTENTS_AT_ONCE) {
      const part = this.#awaiting.standing(intents.slice(at, at + INTENTS_AT_ONCE));
      this.converging.now.ledger.put(part);
      await this.#parts.clock.turn();
    }
  }

  /** What is to be told of it, once. */
  untold(): readonly Event[] {
    return this.#untold.splice(0);
  }

  /** Marks came alone, of this epoch. Errors: StoreError; what was to be stored then has not changed. */
  async marked(epoch: string, { permit = 0, confirmed }: Marks): Promise<void> {
    const change = this.#braking.permitted(permit);
    if (change !== undefined) await this.#letGo(change);
    if (confirmed === undefined) return;
    await this.confirming.confirm(epoch, confirmed);
    this.#parts.waker.wake();
  }

  /** Lets go what the brake withholds, and answers how much that was. Errors: StoreError; then it still holds. */
  async release(): Promise<number> {
    const change = this.#braking.released();
    await this.#letGo(change);
    return change.free.length;
  }

  async #letGo(brake: BrakeChange): Promise<void> {
    const { store, levels, outbox } = this.#parts;
    await store.remember({ brake });
    const revs = brake.free.flatMap((key) => this.withheld.get(key)?.rev ?? []);
    // It was applied so far as it was withheld.
    if (revs.length > 0) levels.lower(revs.reduce((least, rev) => Math.min(least, rev)));
    await this.take(NOTHING, { brake });
    outbox.changed();
  }
}
