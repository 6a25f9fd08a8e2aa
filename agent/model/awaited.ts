import type { Change } from '../../protocol/intent.ts';
import { type BootTime, isSameBoot } from './boot-time.ts';
import { afterChange, isSame, type Step, type StoredValue, step, type Unconfirmed } from './unconfirmed.ts';

/** So many changes are worth a look at all rows. */
const VERY_MANY = 10_000;

/** The unconfirmed changes of a store, by key. */
export interface UnconfirmedRows {
  get(key: string): Unconfirmed | undefined;
  all(): readonly Unconfirmed[];
  put(row: Unconfirmed): void;
  delete(key: string): void;
}

/** Which changes are awaited otherwise than before, and of which keys nothing is awaited any more. */
export interface AwaitedNews {
  readonly open: readonly Unconfirmed[];
  readonly ended: readonly string[];
}

/** Moves the unconfirmed changes of a store within one transaction, and remembers what of it is news. */
export class Awaited {
  readonly #rows: UnconfirmedRows;
  readonly #moved = new Map<string, Unconfirmed | undefined>();

  constructor(rows: UnconfirmedRows) {
    this.#rows = rows;
  }

  get news(): AwaitedNews {
    const open = [...this.#moved.values()].filter((row) => row !== undefined);
    return { open, ended: [...this.#moved].flatMap(([key, row]) => (row === undefined ? [key] : [])) };
  }

  /** All of them, or the one that each of these is still. */
  move(by: Step, of: readonly Pick<Unconfirmed, 'key' | 'rev'>[] | 'all'): void {
    const rows = of === 'all' ? this.#rows.all() : of.flatMap(({ key, rev }) => this.#stillOf(key, rev) ?? []);
    for (const row of rows) this.#set(row, step(row, by));
  }

  /** Changes are laid over what is stored; those that are not newer are left out. */
  layOver(changes: readonly Change[], storedOf: (key: string) => StoredValue | undefined, confirmed: number): void {
    const isSome = this.#mayHold(changes);
    for (const change of changes) {
      const before = isSome ? this.#rows.get(change.key) : undefined;
      if (before === undefined && change.confirm === undefined) continue;
      const stored = storedOf(change.key);
      if (change.rev <= (stored?.intent.rev ?? 0) || (stored === undefined && change.rev === before?.rev)) continue;
      this.#change(change, before, stored, confirmed);
    }
  }

  /**
   * A whole set takes the place of what is stored. What it only tells again is awaited as before, if at all; so is what was
   * deleted and is not in it.
   */
  layAnew(changes: readonly Change[], storedOf: (key: string) => StoredValue | undefined, confirmed: number): void {
    const told = new Set<string>();
    const isSome = this.#mayHold(changes);
    for (const change of changes) {
      if (change.op === 'put' && (isSome || change.confirm !== undefined)) told.add(change.key);
      const before = isSome ? this.#rows.get(change.key) : undefined;
      if (before === undefined && change.confirm === undefined) continue;
      const stored = storedOf(change.key);
      const again = change.op === 'put' ? isSame(stored?.intent, change) : stored === undefined;
      if (!again) this.#change(change, before, stored, confirmed);
    }
    for (const row of this.#rows.all()) {
      if (row.op === 'put' && !told.has(row.key) && storedOf(row.key) !== undefined) this.#set(row, undefined);
    }
  }

  /** Where nothing is awaited, none of very many keys is looked for. Each key is changed once. */
  #mayHold({ length }: readonly Change[]): boolean {
    return length < VERY_MANY || this.#rows.all().length > 0;
  }

  #change(change: Change, before: Unconfirmed | undefined, stored: StoredValue | undefined, confirmed: number): void {
    const now = afterChange(change, before, stored, confirmed);
    if (now !== undefined) this.#set(undefined, now);
    else if (before !== undefined) this.#set(before, undefined);
  }

  #stillOf(key: string, rev: number): Unconfirmed | undefined {
    const row = this.#rows.get(key);
    return row?.rev === rev ? row : undefined;
  }

  #set(before: Unconfirmed | undefined, now: Unconfirmed | undefined): void {
    if (now === before) return;
    const key = (now ?? before)?.key ?? '';
    this.#moved.set(key, now);
    if (now === undefined) this.#rows.delete(key);
    else this.#rows.put(now);
  }
}

/**
 * What is awaited once the host has booted, on the new boot's clock: what was left when the time was noted last is left now; where it
 * was not noted, all of it is. Undefined within one boot.
 */
export function goOn(
  rows: readonly Unconfirmed[],
  noted: BootTime | undefined,
  at: BootTime,
): readonly Unconfirmed[] | undefined {
  if (noted !== undefined && isSameBoot(noted, at)) return undefined;
  return rows.map((row) => {
    const late = row.is === 'armed' ? row.withinMs - row.deadlineMs : 0;
    return step(row, { kind: 'boot', byMs: at.ms + (noted === undefined ? late : -noted.ms) }) ?? row;
  });
}
