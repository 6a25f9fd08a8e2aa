import { addDigest, elementDigest, removeDigest } from '../../protocol/digest.ts';
import type { Compiled } from '../compile/compile.ts';
import type { ChangeRow } from '../store/schema.ts';
import type { Session } from '../store/session.ts';
import type { ChangeTable, Head } from '../store/tables/changes.ts';
import type { EpochTable } from '../store/tables/epochs.ts';

/** What one transaction did to the log. `epoch` is set when it was opened here. */
export interface LogResult {
  readonly hosts: number;
  readonly rev: number;
  readonly epoch: string | undefined;
}

/**
 * Writes changes within one transaction: gives each the next rev, keeps each host's head and digest, and opens an epoch
 * before the first one if told to. `finish` stores the heads and the counter and must be the last call.
 */
export class LogWriter {
  readonly #session: Session;
  readonly #changes: ChangeTable;
  readonly #epochs: EpochTable;
  readonly #opensEpoch: boolean;
  readonly #atMs: number;
  readonly #heads = new Map<string, Head>();
  #epoch: string | undefined;
  #rev: number;

  private constructor(session: Session, tables: Tables, rev: number, opensEpoch: boolean, atMs: number) {
    this.#session = session;
    this.#changes = tables.changes;
    this.#epochs = tables.epochs;
    this.#opensEpoch = opensEpoch;
    this.#atMs = atMs;
    this.#rev = rev;
  }

  static async begin(session: Session, tables: Tables, opensEpoch: boolean, atMs: number): Promise<LogWriter> {
    return new LogWriter(session, tables, await tables.epochs.lastRev(session), opensEpoch, atMs);
  }

  /** Makes the log of a host say what was compiled for a key; writes nothing when it does already. */
  async settle(host: string, key: string, compiled: Compiled | undefined): Promise<void> {
    const before = await this.#changes.find(this.#session, host, key);
    const live = before?.op === 'put' ? before : undefined;
    if (live?.body === compiled?.body) return;
    const rev = await this.#nextRev();
    const { name, body } = compiled ?? { name: '', body: '' };
    const row: ChangeRow = { host, key, rev, op: compiled ? 'put' : 'delete', name, body, at_ms: this.#atMs };
    await this.#changes.put(this.#session, row);
    await this.#moveHead(row, live);
  }

  async finish(): Promise<LogResult> {
    for (const head of this.#heads.values()) await this.#changes.putHead(this.#session, head);
    if (this.#heads.size > 0) await this.#epochs.setLastRev(this.#session, this.#rev);
    return { hosts: this.#heads.size, rev: this.#rev, epoch: this.#epoch };
  }

  async #nextRev(): Promise<number> {
    if (this.#opensEpoch && this.#epoch === undefined)
      this.#epoch = await this.#epochs.open(this.#session, this.#rev + 1);
    this.#rev += 1;
    return this.#rev;
  }

  async #moveHead(row: ChangeRow, live: ChangeRow | undefined): Promise<void> {
    const head = this.#heads.get(row.host) ?? (await this.#changes.head(this.#session, row.host));
    const less = live ? removeDigest(head.digest, elementDigest(row.key, live.rev, live.body)) : head.digest;
    const digest = row.op === 'put' ? addDigest(less, elementDigest(row.key, row.rev, row.body)) : less;
    this.#heads.set(row.host, { ...head, rev: row.rev, digest });
  }
}

interface Tables {
  readonly changes: ChangeTable;
  readonly epochs: EpochTable;
}
