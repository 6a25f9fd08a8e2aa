import { checksumOf } from '../../daemon/checksum.ts';
import type { Parts } from '../../daemon/parts.ts';
import type { Code } from '../../protocol/codes.ts';
import { readState } from '../../protocol/status.ts';
import type { EntryState } from '../model/state.ts';
import type { OpenDatabase } from './database.ts';
import { A_PAGE, keyByKey } from './in-parts.ts';
import { type PreparedRead, type PreparedWrite, prepareRead, prepareWrite } from './prepared.ts';
import type { EntryRow } from './schema.ts';
import { SilenceTable } from './silence-table.ts';
import { understood } from './understood.ts';

/**
 * A row of no key. An agent that knows `STORE_NEWER` and no confirmation takes it for what a newer one wrote, and leaves the kernel
 * as it is until it is upgraded: it would block what was to be confirmed, and take nothing back. One of 0.1.0 does that.
 */
const NOT_FOR_OLDER: EntryState = { key: 'confirm', slot: null, rev: 0, state: 'pending', sinceMs: 0 };

/** Rows of `entries`: what is remembered of each key beside its intent. */
export class EntryTable {
  readonly #next: PreparedRead<{ after: string }, EntryRow>;
  readonly #one: PreparedRead<{ key: string }, EntryRow>;
  readonly #put: PreparedWrite<EntryRow>;
  readonly #delete: PreparedWrite<{ key: string }>;
  readonly #silence: SilenceTable;

  constructor(database: OpenDatabase) {
    const { raw, queries } = database;
    this.#silence = new SilenceTable(database);
    this.#next = prepareRead<{ after: string }, EntryRow>(raw, (slot) =>
      queries.selectFrom('entries').selectAll().where('key', '>', slot('after')).orderBy('key').limit(A_PAGE),
    );
    this.#one = prepareRead<{ key: string }, EntryRow>(raw, (slot) =>
      queries.selectFrom('entries').selectAll().where('key', '=', slot('key')),
    );
    this.#put = prepareWrite<EntryRow>(raw, (slot) =>
      queries.replaceInto('entries').values({
        key: slot('key'),
        slot: slot('slot'),
        rev: slot('rev'),
        state: slot('state'),
        code: slot('code'),
        errno: slot('errno'),
        since_ms: slot('since_ms'),
        installed_at_ms: slot('installed_at_ms'),
        retry_at_ms: slot('retry_at_ms'),
        checksum: slot('checksum'),
      }),
    );
    this.#delete = prepareWrite<{ key: string }>(raw, (slot) =>
      queries.deleteFrom('entries').where('key', '=', slot('key')),
    );
  }

  /**
   * Reads every row that it can. What a damaged row said is found out again from the kernel; what a row said that fits
   * its checksum and cannot be read is `newer`. Of the keys of `wanted`, which are in order, the very texts are taken: they are
   * kept anyhow.
   */
  *load(wanted: readonly { readonly key: string }[]): Parts<{
    readonly entries: readonly EntryState[];
    readonly newer: boolean;
  }> {
    const entries: EntryState[] = [];
    let newer = false;
    const silence = yield* this.#silence.load();
    const textOf = textsOf(wanted);
    yield* keyByKey(
      (after) => this.#next.all({ after }),
      (row) => {
        if (row.checksum !== checksum(row) || row.key === NOT_FOR_OLDER.key) return;
        const entry = understood(() => toEntry(row, textOf(row.key)));
        const silent = silence.get(row.key);
        if (entry === undefined) newer = true;
        else entries.push(silent === undefined ? entry : { ...entry, ...silent });
      },
    );
    return { entries, newer };
  }

  /** Whether an agent that knows no confirmation may go on with this store. */
  setForOlder(may: boolean): void {
    const row = { ...toRow(NOT_FOR_OLDER), state: 'confirm' };
    if (may) this.#delete.run(row);
    else this.#put.run({ ...row, checksum: checksum(row) });
  }

  /** Whether a key was given up in silence, as far as is stored. */
  isIdle(key: string): boolean {
    const row = this.#one.get({ key });
    return row?.state === 'idle' && row.checksum === checksum(row);
  }

  /** Another boot's jiffies are void. */
  disarm(): void {
    this.#silence.disarm();
  }

  save(entries: readonly EntryState[], forget: readonly string[]): void {
    for (const key of forget) {
      this.#delete.run({ key });
      this.#silence.forget(key);
    }
    for (const entry of entries) {
      this.#put.run(toRow(entry));
      this.#silence.save(entry);
    }
  }
}

function toRow(entry: EntryState): EntryRow {
  const row = {
    key: entry.key,
    slot: entry.slot,
    rev: entry.rev,
    state: entry.state,
    code: entry.code ?? null,
    errno: entry.errno ?? null,
    since_ms: entry.sinceMs,
    installed_at_ms: entry.installedAtMs ?? null,
    retry_at_ms: entry.retryAtMs ?? null,
  };
  return { ...row, checksum: checksum(row) };
}

/** A row that fits its checksum was written by an agent, but perhaps by a newer one. Errors: Refused. */
function toEntry(row: EntryRow, key: string): EntryState {
  return {
    key,
    slot: row.slot,
    rev: row.rev,
    state: readState(row.state, 'state'),
    ...(row.code !== null && { code: row.code as Code }),
    ...(row.errno !== null && { errno: row.errno }),
    sinceMs: row.since_ms,
    ...(row.installed_at_ms !== null && { installedAtMs: row.installed_at_ms }),
    ...(row.retry_at_ms !== null && { retryAtMs: row.retry_at_ms }),
  };
}

/** Asked for texts in order, it goes through the list once; a text that it does not find is taken as it is. */
function textsOf(list: readonly { readonly key: string }[]): (key: string) => string {
  let at = 0;
  return (key) => {
    while ((list[at]?.key ?? key) < key) at += 1;
    const found = list[at]?.key;
    return found === key ? found : key;
  };
}

function checksum(row: Omit<EntryRow, 'checksum'>): string {
  const { key, slot, rev, state, code, errno, since_ms, installed_at_ms, retry_at_ms } = row;
  return checksumOf([key, slot, rev, state, code, errno, since_ms, installed_at_ms, retry_at_ms]);
}
