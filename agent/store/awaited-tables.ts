import { Awaited, goOn } from '../model/awaited.ts';
import type { BootTime } from '../model/boot-time.ts';
import type { Candidate, ConfirmationNews, Move } from '../model/stored.ts';
import type { StoredValue, Unconfirmed } from '../model/unconfirmed.ts';
import { BootTimeTable } from './boot-time-row.ts';
import { ConfirmedTable } from './confirmed-row.ts';
import type { OpenDatabase } from './database.ts';
import { UnconfirmedTable } from './unconfirmed-table.ts';

/** Up to where changes are confirmed, and those that wait for it. Every call is made within a transaction. */
export class AwaitedTables {
  readonly #confirmed: ConfirmedTable;
  readonly #rows: UnconfirmedTable;
  readonly #time: BootTimeTable;
  readonly #onBoot: () => void;

  /** `onBoot` is called in the transaction that notes another boot: whatever else is of the one before is void. */
  constructor(database: OpenDatabase, onBoot: () => void) {
    this.#confirmed = new ConfirmedTable(database);
    this.#rows = new UnconfirmedTable(database);
    this.#time = new BootTimeTable(database);
    this.#onBoot = onBoot;
  }

  load(epoch: string) {
    return { ...this.#rows.load(), confirmed: this.#confirmed.read(epoch) };
  }

  /** Before the changes of a candidate are laid over what is stored, which is of the epoch `was`. */
  lay(was: string, candidate: Candidate, storedOf: (key: string) => StoredValue | undefined, now: () => BootTime) {
    const { base, changes, cursor, marks } = candidate;
    const before = this.#confirmed.read(was);
    const confirmed = this.#confirmed.raise(cursor.epoch, marks?.confirmed);
    const awaited = this.#confirm(before, confirmed, now);
    if (base === 'empty') awaited.layAnew(changes, storedOf, confirmed ?? 0);
    else awaited.layOver(changes, storedOf, confirmed ?? 0);
    return newsOf(before, confirmed, awaited);
  }

  confirm(epoch: string, rev: number, now: () => BootTime): ConfirmationNews | undefined {
    const before = this.#confirmed.read(epoch);
    const confirmed = this.#confirmed.raise(epoch, rev);
    return newsOf(before, confirmed, this.#confirm(before, confirmed, now));
  }

  move(kind: Move, of: readonly Pick<Unconfirmed, 'key' | 'rev'>[], at: BootTime): readonly Unconfirmed[] {
    this.goOn(at);
    const awaited = new Awaited(this.#rows);
    awaited.move({ kind, ms: at.ms }, of);
    this.#time.write(at);
    return awaited.news.open;
  }

  noteTime(at: BootTime): void {
    this.goOn(at);
    this.#time.write(at);
  }

  /** Nothing is awaited of these keys any more. */
  forget(keys: Iterable<string>): void {
    for (const key of keys) this.#rows.delete(key);
  }

  /** What is awaited, on the clock of a boot after the one that it was used in last; undefined in that one. */
  afterBoot(at: BootTime): readonly Unconfirmed[] | undefined {
    return goOn(this.#rows.all(), this.#time.read(), at);
  }

  /** Has the deadlines be of this boot from now on. */
  goOn(at: BootTime): void {
    const rows = this.afterBoot(at);
    if (rows === undefined) return;
    for (const row of rows) this.#rows.put(row);
    this.#onBoot();
    this.#time.write(at);
  }

  #confirm(before: number | undefined, confirmed: number | undefined, now: () => BootTime): Awaited {
    const awaited = new Awaited(this.#rows);
    if (confirmed === undefined || confirmed === before) return awaited;
    const at = now();
    this.goOn(at);
    awaited.move({ kind: 'confirm', ms: at.ms, confirmed }, 'all');
    return awaited;
  }
}

function newsOf(
  before: number | undefined,
  confirmed: number | undefined,
  awaited: Awaited,
): ConfirmationNews | undefined {
  const news = { confirmed, ...awaited.news };
  return before === confirmed && news.open.length + news.ended.length === 0 ? undefined : news;
}
