import type { Clock } from '../../daemon/clock.ts';
import type { StoreError } from '../model/store-error.ts';
import type { Database, Session } from '../store/session.ts';
import type { Tables } from '../store/tables/tables.ts';
import { History } from './history.ts';
import { LogWriter } from './log-writer.ts';
import type { LogTransaction, Transaction } from './transaction.ts';

interface WorkParts {
  readonly database: Database;
  readonly tables: Tables;
  readonly clock: Clock;
  /** Called once, when the database is no longer to be trusted; the process is to end. */
  readonly onFatal: (error: StoreError) => void;
}

/** An id and the random part of an epoch: no two databases and no two starts have the same. */
const TOKEN_BYTES = 6;

/**
 * Carries out scripts, each in a transaction of its own, on one history of the controller's tables. Whoever works on them
 * does it through this. Errors: StoreError, and what the script throws; nothing is changed then.
 */
export class Work {
  readonly clock: Clock;
  readonly #tables: Tables;
  readonly #history: History;
  /** Opened by this process with its first change (C1); it counts once it is in the table. */
  #epoch: string | undefined;

  private constructor({ tables, clock }: WorkParts, history: History) {
    this.clock = clock;
    this.#tables = tables;
    this.#history = history;
  }

  static async begin(parts: WorkParts): Promise<Work> {
    const { database, tables, clock, onFatal } = parts;
    const [id, part] = [clock.token(TOKEN_BYTES), clock.token(TOKEN_BYTES)];
    await database.write((session) => tables.epochs.initialise(session, id, part));
    return new Work(parts, await History.begin(database, tables, onFatal));
  }

  /** Reads one consistent state. */
  read<T>(script: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#history.read((session) => script(this.#transaction(session)));
  }

  /** Writes to any table but the log. */
  write<T>(script: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#history.write((session) => script(this.#transaction(session)));
  }

  /**
   * Writes to the logs too. The first change after the start opens an epoch. The script calls `log.finish()` after its
   * last change and before it notes what became of it. Errors: TypeError when it did not.
   */
  async change<T>(script: (transaction: LogTransaction) => Promise<T>): Promise<T> {
    return this.write(async (transaction) => {
      const log = await LogWriter.begin(transaction, {
        epochPart: await this.#epochToOpen(transaction),
        atMs: this.clock.nowMs(),
      });
      const answer = await script({ ...transaction, log });
      this.#epoch = log.requireResult().epoch ?? this.#epoch;
      return answer;
    });
  }

  #transaction(session: Session): Transaction {
    return { session, tables: this.#tables, turn: this.clock.turn };
  }

  /** The random part of the epoch to open with the first change; undefined when this process has opened one. */
  async #epochToOpen({ session, tables }: Transaction): Promise<string | undefined> {
    const open = this.#epoch !== undefined && (await tables.epochs.find(session, this.#epoch)) !== undefined;
    return open ? undefined : this.clock.token(TOKEN_BYTES);
  }
}
