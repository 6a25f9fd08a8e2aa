import type { Clock } from '../../daemon/clock.ts';
import type { Waker } from '../../daemon/waker.ts';
import type { Event } from '../../protocol/event.ts';
import type { Marks } from '../../protocol/marks.ts';
import type { BrakeStatus } from '../../protocol/own-decisions.ts';
import type { BrakeChange } from '../model/brake.ts';
import type { Accepted, Beside, Candidate, Stored } from '../model/stored.ts';
import type { DesiredStore, Outbox } from '../ports.ts';
import { Braking, type Done } from './braking.ts';
import type { Convergence } from './convergence.ts';
import type { Levels } from './levels.ts';
import type { SharedTime } from './shared-time.ts';
import { tellBrake } from './tell.ts';

export interface TakingParts {
  readonly store: Pick<DesiredStore, 'remember'>;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  readonly host: string;
  readonly time: Pick<SharedTime, 'nowMs'>;
  readonly levels: Levels;
  /** What converges at the time. */
  readonly convergence: () => Convergence;
  /** Wakes whoever has it converge. */
  readonly waker: Pick<Waker, 'wake'>;
  readonly outbox: Pick<Outbox, 'changed'>;
  /** Lays what is not withheld into the ledger. */
  readonly lay: (changes: Changes) => void;
}

/** What becomes of the set. */
export type Changes = Pick<Accepted, 'put' | 'removed' | 'whole'>;
const NOTHING: Changes = { put: [], removed: [], whole: false };

/** Takes what is stored into the ledger, but for what the brake withholds of it, and that once it is let go. */
export class Taking {
  readonly #parts: TakingParts;
  readonly #braking: Braking;
  #untold: Event[] = [];

  constructor(parts: TakingParts, { brake, intents }: Pick<Stored, 'brake' | 'intents'>) {
    this.#parts = parts;
    this.#braking = new Braking(brake, intents, parts.clock.nowMs());
  }

  get withheld(): Braking['held'] {
    return this.#braking.held;
  }

  get said(): { readonly permit: number; readonly brake: BrakeStatus | undefined } {
    return { permit: this.#braking.permit, brake: this.#braking.status };
  }

  /** What the log wants, with what is withheld as it was. */
  get standing(): Braking['standing'] {
    return (intents) => this.#braking.standing(intents);
  }

  judge(candidate: Candidate): Beside {
    const { clock, time, convergence } = this.#parts;
    const { desired, states } = convergence().ledger;
    const times = { nowMs: time.nowMs(), monotonicMs: clock.monotonicMs(), wallMs: clock.nowMs() };
    return { brake: this.#braking.judge(candidate, { desired, states, ...times }) };
  }

  /** Changes are stored, and with them what was judged. */
  take(changes: Changes, { brake }: Beside): void {
    const { schedule } = this.#parts.convergence();
    const before = this.#braking.status;
    const done: Done = brake === undefined ? { ...changes, kept: [] } : this.#braking.take(brake, changes);
    this.#parts.lay({ ...done, whole: changes.whole });
    schedule.markDue(done.kept);
    const { host, clock, waker } = this.#parts;
    this.#untold.push(...tellBrake({ host, at: clock.nowMs() }, before, this.#braking.status));
    waker.wake();
  }

  /** What is to be told of it, once. */
  untold(): readonly Event[] {
    return this.#untold.splice(0);
  }

  /** Marks came alone. Errors: StoreError; then nothing has changed. */
  async marked({ permit = 0 }: Marks): Promise<void> {
    const change = this.#braking.permitted(permit);
    if (change !== undefined) await this.#letGo(change);
  }

  /** Lets go what the brake withholds, and answers how much that was. Errors: StoreError; then it still holds. */
  async release(): Promise<number> {
    const change = this.#braking.released();
    await this.#letGo(change);
    return change.free.length;
  }

  async #letGo(brake: BrakeChange): Promise<void> {
    await this.#parts.store.remember({ brake });
    const revs = brake.free.flatMap((key) => this.withheld.get(key)?.rev ?? []);
    // It was applied so far as it was withheld.
    if (revs.length > 0) this.#parts.levels.lower(revs.reduce((least, rev) => Math.min(least, rev)));
    this.take(NOTHING, { brake });
    this.#parts.outbox.changed();
  }
}
