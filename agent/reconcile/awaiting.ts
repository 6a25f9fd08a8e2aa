import type { Intent } from '../../protocol/intent.ts';
import { MAX_UNCONFIRMED } from '../../protocol/own-decisions.ts';
import type { Status } from '../../protocol/status.ts';
import type { EntryState } from '../model/state.ts';
import type { ConfirmationNews, Stored } from '../model/stored.ts';
import { step, type Unconfirmed } from '../model/unconfirmed.ts';
import type { Decision } from './decision.ts';
import type { Tracker } from './tracker.ts';

/** States in which a change has done what it says: the entry stands, or does not by a rule of its own. */
const CARRIED_OUT: ReadonlySet<EntryState['state']> = new Set(['installed', 'idle', 'expired']);

/** The most changes that are moved at once: of them one commit is made. */
const MOVED_MAX = 1_000;

type Known = Pick<Stored, 'unconfirmed' | 'confirmed' | 'intents'>;
const NOTHING: Known = { unconfirmed: [], confirmed: undefined, intents: [] };

/**
 * The changes that nobody has confirmed yet and those that were taken back, as the disk has them; what is to become of them next; and
 * what stands instead. It changes nothing itself.
 */
export class Awaiting implements Tracker {
  /** Milliseconds of the boot; whoever has passes made sets it before each. */
  nowMs = 0;
  #confirmed: number | undefined;
  readonly #open = new Map<string, Unconfirmed>();
  /** What the log wants of keys that were taken back. */
  readonly #wanted = new Map<string, Intent>();
  /** Keys of changes that could be carried out, once the disk has it that their time runs. */
  readonly #toArm = new Set<string>();
  /** Their time runs, and they have not been carried out yet. */
  readonly #begun = new Set<string>();
  /** Deletes whose time does not run yet. */
  readonly #going = new Set<string>();
  /** They came not to stand after all. */
  readonly #toDisarm = new Set<string>();
  /** When the first time is over; undefined: to be found out. */
  #dueMs: number | undefined;

  /** `withheld`: keys whose changes wait for something else first. */
  constructor(
    { unconfirmed, confirmed, intents }: Known = NOTHING,
    withheld: ReadonlyMap<string, unknown> = new Map(),
  ) {
    this.#confirmed = confirmed;
    for (const row of unconfirmed) this.set(row);
    if (unconfirmed.length === 0) return;
    for (const intent of intents) if (this.isBack(intent.key)) this.#wanted.set(intent.key, intent);
    this.armGoing(withheld);
  }

  get(key: string): Unconfirmed | undefined {
    return this.#open.get(key);
  }

  set(row: Unconfirmed): void {
    this.#open.set(row.key, row);
    if (row.op === 'delete' && row.is === 'unarmed') this.#going.add(row.key);
    else this.#going.delete(row.key);
    this.#dueMs = undefined;
  }

  /** True while a change waits to be confirmed. */
  get some(): boolean {
    return this.#open.values().some(({ is }) => is !== 'reverted');
  }

  /** Takes what is stored otherwise than before. Answers the keys that it is about, and those that stood though they were deleted. */
  take({ open, ended, confirmed }: ConfirmationNews): {
    readonly due: readonly string[];
    readonly gone: readonly string[];
  } {
    this.#confirmed = confirmed;
    const gone = ended.filter((key) => this.isLasting(key));
    const due = [...open.map(({ key }) => key), ...ended];
    for (const key of due) {
      for (const keysOf of [this.#wanted, this.#toArm, this.#begun, this.#toDisarm, this.#going]) keysOf.delete(key);
    }
    for (const key of ended) this.#open.delete(key);
    for (const row of open) this.set(row);
    this.#dueMs = undefined;
    return { due, gone };
  }

  // What plans ask.

  /** Its time, or that of its delete, is to run before anything is done, and does not yet. */
  isUnarmed({ key, rev }: Intent): boolean {
    const row = this.#open.get(key);
    return row?.is === 'unarmed' && (row.op === 'delete' || row.rev === rev);
  }

  /** How long the kernel may do it; undefined: for ever. */
  leftMs({ key, rev }: Intent): number | undefined {
    const row = this.#open.get(key);
    const isNewest = row?.is === 'armed' && row.op === 'put' && row.rev === rev;
    // What is to take its place may have to wait.
    const { deadlineMs } = (isNewest ? row : row?.replaced?.find((it) => it.rev === rev)) ?? {};
    return deadlineMs === undefined ? undefined : Math.max(0, deadlineMs - this.nowMs);
  }

  /** It is deleted, and may come back: its slot stays its own. */
  isMissed(key: string): boolean {
    const row = this.#open.get(key);
    return row?.op === 'delete' && row.is === 'armed';
  }

  settled({ key, intent }: Decision, { state }: EntryState): void {
    // What the kernel does not let go of is tried again within its time.
    const isDone = intent === undefined || CARRIED_OUT.has(state);
    if (this.#begun.delete(key) && !isDone) this.#toDisarm.add(key);
  }

  /** Deletes always can be carried out, but for what waits for something else first. */
  armGoing(withheld: ReadonlyMap<string, unknown>): void {
    for (const key of this.#going) if (!withheld.has(key)) this.#toArm.add(key);
  }

  /** The change of this key could be carried out. */
  arm(key: string): void {
    this.#toArm.add(key);
  }

  // What is to be done.

  /** Changes could be carried out, and are not before the disk has it. */
  get waits(): boolean {
    return this.#toArm.size > 0;
  }

  get toArm(): readonly Unconfirmed[] {
    return this.#rowsOf(this.#toArm);
  }

  get toDisarm(): readonly Unconfirmed[] {
    return this.#rowsOf(this.#toDisarm);
  }

  /** Their time is over. */
  get due(): readonly Unconfirmed[] {
    if (this.nowMs < this.dueMs) return [];
    const due = this.#open.values().filter((row) => step(row, { kind: 'revert', ms: this.nowMs }) !== row);
    return [...due.take(MOVED_MAX)];
  }

  /** When the first time is over; infinity where none runs. */
  get dueMs(): number {
    this.#dueMs ??= this.#armed.reduce((least, it) => Math.min(least, it.deadlineMs), Number.POSITIVE_INFINITY);
    return this.#dueMs;
  }

  /** The disk was asked to have these times run; answers the changes whose does now. */
  armed(asked: readonly Unconfirmed[], rows: readonly Unconfirmed[]): readonly Unconfirmed[] {
    for (const row of asked) if (this.#isOf(row)) this.#toArm.delete(row.key);
    const mine = rows.filter((row) => this.#isOf(row));
    for (const row of mine) {
      this.set(row);
      this.#begun.add(row.key);
    }
    return mine;
  }

  disarmed(asked: readonly Unconfirmed[], rows: readonly Unconfirmed[]): void {
    for (const row of asked) if (this.#isOf(row)) this.#toDisarm.delete(row.key);
    for (const row of rows) if (this.#isOf(row)) this.set(row);
  }

  /** It was taken back; `wanted` is what the log has of it. */
  reverted(row: Unconfirmed, wanted: Intent | undefined): void {
    this.set(row);
    if (wanted !== undefined) this.#wanted.set(row.key, wanted);
  }

  // What stands.

  isBack(key: string): boolean {
    return this.#open.get(key)?.is === 'reverted';
  }

  /** What stands of intents: of what was taken back, what it was before. */
  standing(intents: readonly Intent[]): readonly Intent[] {
    if (this.#open.size === 0) return intents;
    return intents.flatMap((intent) => {
      if (!this.isBack(intent.key)) return intent;
      this.#wanted.set(intent.key, intent);
      return this.#open.get(intent.key)?.previous ?? [];
    });
  }

  /** What stands though it is deleted: it came back, or the disk does not have it yet that it goes. */
  get lasting(): readonly Intent[] {
    const rows = this.#open.values().filter(({ key }) => this.isLasting(key));
    return [...rows].flatMap(({ previous }) => previous ?? []);
  }

  isLasting(key: string): boolean {
    const row = this.#open.get(key);
    return row?.op === 'delete' && row.is !== 'armed';
  }

  /** It is deleted, and goes once the disk has it that its time runs. */
  isGoing(key: string): boolean {
    return this.#going.has(key);
  }

  /** What was taken back, with what the log wants of it, or what came back where it wants nothing. */
  *back(): Generator<{ readonly row: Unconfirmed; readonly intent: Intent | undefined }> {
    for (const row of this.#open.values())
      if (row.is === 'reverted') yield { row, intent: this.#wanted.get(row.key) ?? row.previous };
  }

  /** For status. */
  get said(): Pick<Status, 'unconfirmed' | 'unconfirmedTotal' | 'unarmed' | 'confirmed'> {
    const armed = this.#armed.toSorted((a, b) => a.deadlineMs - b.deadlineMs);
    const listed = armed.slice(0, MAX_UNCONFIRMED).map(({ key, name, rev, deadlineMs }) => {
      return { name, key, rev, leftMs: Math.max(0, deadlineMs - this.nowMs) };
    });
    const unarmed = [...this.#open.values()].flatMap(({ is, rev }) => (is === 'unarmed' ? rev : []));
    return {
      ...(armed.length > 0 && { unconfirmed: listed, unconfirmedTotal: armed.length }),
      ...(unarmed.length > 0 && { unarmed: unarmed.reduce((least, rev) => Math.min(least, rev)) }),
      ...(this.#confirmed !== undefined && { confirmed: this.#confirmed }),
    };
  }

  get #armed() {
    return [...this.#open.values()].filter((row) => row.is === 'armed');
  }

  /** Whether no other change of the key has come since. */
  #isOf({ key, rev }: Unconfirmed): boolean {
    return this.#open.get(key)?.rev === rev;
  }

  #rowsOf(keys: ReadonlySet<string>): readonly Unconfirmed[] {
    return [...keys.values().take(MOVED_MAX)].flatMap((key) => this.#open.get(key) ?? []);
  }
}
