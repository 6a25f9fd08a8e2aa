import { addDigest, elementDigest, removeDigest } from '../../protocol/digest.ts';
import type { Compiled } from '../compile/compile.ts';
import type { ChangeRow } from '../store/schema.ts';
import type { Session } from '../store/session.ts';
import type { ChangeTable } from '../store/tables/changes.ts';
import type { EpochTable } from '../store/tables/epochs.ts';
import type { Head, HeadTable } from '../store/tables/heads.ts';

/** What one transaction did to the log. `epoch` is set when it was opened here. */
export interface LogResult {
  readonly hosts: number;
  readonly rev: number;
  readonly epoch: string | undefined;
}

interface Place {
  readonly session: Session;
  readonly tables: { readonly changes: ChangeTable; readonly heads: HeadTable; readonly epochs: EpochTable };
}

interface Terms {
  /** The random part of the epoch that the first change opens; undefined: changes go on in the newest. */
  readonly epochPart: string | undefined;
  readonly atMs: number;
}

/**
 * Writes changes within one transaction: gives each the next rev, keeps each host's head and digest, and opens an epoch
 * before the first one if told to. `finish` stores the heads and the counter; after it nothing is written any more.
 */
export class LogWriter {
  readonly #place: Place;
  readonly #terms: Terms;
  readonly #heads = new Map<string, Head>();
  #epoch: string | undefined;
  #rev: number;
  #result: LogResult | undefined;

  private constructor(place: Place, terms: Terms, rev: number) {
    this.#place = place;
    this.#terms = terms;
    this.#rev = rev;
  }

  static async begin(place: Place, terms: Terms): Promise<LogWriter> {
    return new LogWriter(place, terms, await place.tables.epochs.lastRev(place.session));
  }

  /** Makes the log of a host say what was compiled for a key; writes nothing when it does already. */
  async write(host: string, key: string, compiled: Compiled | undefined): Promise<void> {
    if (this.#result !== undefined) throw new TypeError(`a change of ${host} after the log was finished`);
    const { session, tables } = this.#place;
    const before = await tables.changes.find(session, host, key);
    const live = before?.op === 'put' ? before : undefined;
    if (live?.body === compiled?.body) return;
    const rev = await this.#nextRev();
    const { name, body } = compiled ?? { name: '', body: '' };
    const row: ChangeRow = { host, key, rev, op: compiled ? 'put' : 'delete', name, body, at_ms: this.#terms.atMs };
    await tables.changes.put(session, row);
    await this.#moveHead(row, live);
  }

  async finish(): Promise<LogResult> {
    const { session, tables } = this.#place;
    for (const head of this.#heads.values()) await tables.heads.put(session, head);
    if (this.#heads.size > 0) await tables.epochs.setLastRev(session, this.#rev);
    this.#result = { hosts: this.#heads.size, rev: this.#rev, epoch: this.#epoch };
    return this.#result;
  }

  /** Errors: TypeError when the log was not finished: its heads would not be those of its changes. */
  requireResult(): LogResult {
    if (this.#result === undefined) throw new TypeError('a transaction that may change the log did not finish it');
    return this.#result;
  }

  async #nextRev(): Promise<number> {
    const { session, tables } = this.#place;
    const { epochPart } = this.#terms;
    if (epochPart !== undefined) this.#epoch ??= await tables.epochs.open(session, this.#rev + 1, epochPart);
    this.#rev += 1;
    return this.#rev;
  }

  async #moveHead(row: ChangeRow, live: ChangeRow | undefined): Promise<void> {
    const { session, tables } = this.#place;
    const head = this.#heads.get(row.host) ?? (await tables.heads.find(session, row.host));
    const less = live ? removeDigest(head.digest, elementDigest(row.key, live.rev, live.body)) : head.digest;
    const digest = row.op === 'put' ? addDigest(less, elementDigest(row.key, row.rev, row.body)) : less;
    this.#heads.set(row.host, { ...head, rev: row.rev, digest });
  }
}
