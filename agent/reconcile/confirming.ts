import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import type { Event } from '../../protocol/event.ts';
import type { Confirmation } from '../../protocol/explain.ts';
import type { Intent } from '../../protocol/intent.ts';
import type { EntryState } from '../model/state.ts';
import { StoreError } from '../model/store-error.ts';
import type { Changes, ConfirmationNews, Move } from '../model/stored.ts';
import { step, type Unconfirmed } from '../model/unconfirmed.ts';
import type { BootClock, DesiredStore } from '../ports.ts';
import type { Awaiting } from './awaiting.ts';
import type { Converging } from './converging.ts';
import type { Outcomes } from './outcomes.ts';
import { type Told, withTakenBack } from './taken-back.ts';
import { tellReverted } from './tell.ts';

/** More intents than that are laid a part at a time. */
export const INTENTS_AT_ONCE = 1_000;

/** So often it is noted how much time is left: a boot costs no more of it. */
const NOTE_MS = 5_000;

export interface ConfirmingParts {
  readonly awaiting: Awaiting;
  readonly converging: Converging;
  readonly store: Pick<DesiredStore, 'move' | 'noteTime' | 'confirm'>;
  readonly boot: BootClock;
  readonly outcomes: Pick<Outcomes, 'ahead' | 'record'>;
  readonly log: Pick<Log, 'warn' | 'info'>;
  readonly host: string;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/**
 * Has the disk know before the kernel does that the time of a change runs, and takes back what nobody confirms in time. What the disk
 * does not take now is not begun; what is over is taken back all the same, for no mark confirms it any more.
 */
export class Confirming {
  readonly #parts: ConfirmingParts;
  #notedMs = Number.NEGATIVE_INFINITY;
  #storing = true;
  /** Taken back, and not stored yet. */
  #unstored: readonly Unconfirmed[] = [];

  constructor(parts: ConfirmingParts) {
    this.#parts = parts;
  }

  /** True while something is to be stored, and the disk is not known to refuse it. */
  get pending(): boolean {
    const { awaiting } = this.#parts;
    return this.#storing && (awaiting.waits || awaiting.toDisarm.length > 0);
  }

  /** How long nothing is to be done. */
  leftMs(): number {
    const { awaiting, boot } = this.#parts;
    return awaiting.some ? awaiting.dueMs - boot.now().ms : Number.POSITIVE_INFINITY;
  }

  /** For status. */
  get said(): Awaiting['said'] & { readonly deleted: number } {
    const { awaiting, boot } = this.#parts;
    if (awaiting.some) awaiting.nowMs = boot.now().ms;
    const deleted = [...awaiting.back()].filter(({ row }) => row.op === 'delete').length;
    return { ...awaiting.said, deleted };
  }

  /** What is desired and where each key stands, as people are told it. */
  get told(): Told {
    const { awaiting, converging } = this.#parts;
    return withTakenBack(converging.now.ledger, awaiting);
  }

  /** What is awaited of a key; undefined: nothing. */
  confirmationOf(key: string): Confirmation | undefined {
    const { awaiting, boot } = this.#parts;
    const row = awaiting.get(key);
    if (row === undefined) return undefined;
    const { is: state, withinMs, previous } = row;
    const leftMs = row.is === 'armed' ? Math.max(0, row.deadlineMs - boot.now().ms) : undefined;
    return {
      ...{ state, withinMs, ...(leftMs !== undefined && { leftMs }) },
      previous: previous === undefined ? null : { rev: previous.rev, to: previous.to },
    };
  }

  /** Changes up to a rev are confirmed. Errors: StoreError. */
  async confirm(epoch: string, rev: number): Promise<void> {
    const { store, boot } = this.#parts;
    const news = await store.confirm(epoch, rev, () => boot.now());
    if (news !== undefined) this.take(news);
  }

  /** What is stored otherwise than before. */
  take(news: ConfirmationNews): void {
    const { awaiting, converging } = this.#parts;
    const { due, gone } = awaiting.take(news);
    const { ledger, schedule } = converging.now;
    schedule.markDue(due);
    ledger.remove(gone);
  }

  /**
   * Lays what the log wants into the ledger, but for what was taken back or may not go yet. Of very many it answers those that are to
   * be put there yet, as far as they stand by then.
   */
  lay({ put, removed, whole }: Changes, withheld: ReadonlyMap<string, unknown>): readonly Intent[] {
    const { awaiting, converging } = this.#parts;
    const { ledger } = converging.now;
    const stand = awaiting.standing(put);
    awaiting.armGoing(withheld);
    const keys = [...stand, ...awaiting.lasting].map(({ key }) => key);
    if (whole) ledger.keepOnly(new Set([...keys, ...withheld.keys()]));
    else ledger.remove(removed.filter((key) => !awaiting.isGoing(key)));
    if (put.length > INTENTS_AT_ONCE) return put;
    ledger.put(stand);
    return [];
  }

  /** Before a pass. Errors: StoreError when the store is lost. */
  async prepare(): Promise<void> {
    const { awaiting, boot } = this.#parts;
    if (!awaiting.some && this.#unstored.length === 0) return;
    awaiting.nowMs = boot.now().ms;
    await this.#revert();
    const { toDisarm } = awaiting;
    const disarmed = await this.#move('disarm', toDisarm);
    if (disarmed !== undefined) awaiting.disarmed(toDisarm, disarmed);
    await this.#arm();
    await this.#note();
  }

  async #arm(): Promise<void> {
    const { awaiting, converging } = this.#parts;
    const { toArm } = awaiting;
    const armed = await this.#move('arm', toArm);
    if (armed === undefined) return;
    const { ledger, schedule } = converging.now;
    const mine = awaiting.armed(toArm, armed);
    schedule.markDue(mine.map(({ key }) => key));
    ledger.remove(mine.flatMap(({ key, op }) => (op === 'delete' ? key : [])));
  }

  async #revert(): Promise<void> {
    const { awaiting } = this.#parts;
    const ms = awaiting.nowMs;
    const due = [...this.#unstored, ...awaiting.due];
    if (due.length === 0) return;
    const stored = await this.#move('revert', due);
    this.#unstored = stored === undefined ? due : [];
    const over = stored ?? due.flatMap((row) => step(row, { kind: 'revert', ms }) ?? []);
    // Meanwhile another change of the key may have come.
    const mine = over.filter(({ key, rev }) => awaiting.get(key)?.rev === rev && !awaiting.isBack(key));
    for (const row of mine) await this.#takeBack(row);
    await this.#tell(mine);
  }

  async #takeBack(row: Unconfirmed): Promise<void> {
    const { awaiting, converging, outcomes, clock } = this.#parts;
    const { ledger } = converging.now;
    const { key, previous } = row;
    const wanted = row.op === 'put' ? ledger.desired.get(key) : undefined;
    awaiting.reverted(row, wanted);
    if (previous === undefined) return ledger.remove([key]);
    if (row.asleep === true) {
      const before = ledger.states.get(key);
      const asleep: EntryState = {
        key,
        rev: previous.rev,
        slot: before?.slot ?? null,
        state: 'idle',
        sinceMs: clock.nowMs(),
      };
      ledger.states.set(key, asleep);
      await outcomes.ahead([asleep], () => asleep);
    }
    ledger.put([previous]);
  }

  async #tell(rows: readonly Unconfirmed[]): Promise<void> {
    const { outcomes, host, clock } = this.#parts;
    const events: readonly Event[] = tellReverted({ host, at: clock.nowMs() }, rows);
    await outcomes.record(events);
  }

  async #note(): Promise<void> {
    const { awaiting, store } = this.#parts;
    if (awaiting.dueMs === Number.POSITIVE_INFINITY || awaiting.nowMs - this.#notedMs < NOTE_MS) return;
    this.#notedMs = awaiting.nowMs;
    await this.#stored(() => store.noteTime(this.#parts.boot.now()));
  }

  /** Undefined where the disk does not take it now. */
  async #move(kind: Move, rows: readonly Unconfirmed[]): Promise<readonly Unconfirmed[] | undefined> {
    if (rows.length === 0) return [];
    const { store, boot } = this.#parts;
    return await this.#stored(() => store.move(kind, rows, boot.now()));
  }

  /** What passes, as a full or busy disk does, is tried again with the next pass; it is said once. */
  async #stored<T>(write: () => Promise<T>): Promise<T | undefined> {
    const { log } = this.#parts;
    try {
      const done = await write();
      if (!this.#storing) log.info({}, 'what waits to be confirmed is stored again');
      this.#storing = true;
      return done;
    } catch (error) {
      if (!(error instanceof StoreError) || !error.passing) throw error;
      if (this.#storing)
        log.warn({ code: error.code, reason: error.message }, 'what waits to be confirmed: not stored yet');
      this.#storing = false;
      return undefined;
    }
  }
}
