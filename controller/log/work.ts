import type { Clock } from '../../daemon/clock.ts';
import type { Damage } from '../model/damage.ts';
import type { Epoch } from '../model/standing.ts';
import { StoreError } from '../model/store-error.ts';
import type { Written } from '../ports.ts';
import type { Database, Session } from '../store/session.ts';
import type { Tables } from '../store/tables/tables.ts';
import { assess } from './assess.ts';
import { convergeAll } from './converge.ts';
import { History } from './history.ts';
import { LogWriter } from './log-writer.ts';
import type { LogTransaction, Transaction } from './transaction.ts';
import { readWritten } from './updates.ts';
import { verifyCounter, verifyTruth } from './verify.ts';
import { mendLogs } from './verify-logs.ts';
import { verifyRollouts } from './verify-rollouts.ts';

interface WorkParts {
  readonly database: Database;
  readonly tables: Tables;
  readonly clock: Clock;
  /** Called once, when the database is no longer to be trusted; the process is to end. */
  readonly onFatal: (error: StoreError) => void;
  /** Called with what was found damaged in the database and put right, and with what could not be. */
  readonly onDamage: (mended: readonly string[], damage: Damage | undefined) => void;
}

/** An id and the random part of an epoch: no two databases and no two starts have the same. */
const TOKEN_BYTES = 6;
/** So many changes wait for who tells hosts of them; of what came before, he finds out by himself. */
const MAX_WRITTEN = 64;

/**
 * Carries out scripts, each in a transaction of its own, on one history of the controller's tables. Whoever works on them
 * does it through this. Errors: StoreError, and what the script throws; nothing is changed then.
 */
export class Work {
  readonly clock: Clock;
  readonly #parts: WorkParts;
  readonly #tables: Tables;
  #history: History | undefined;
  /** Opened by this process with its first change (C1); it counts once it is in the table. */
  #epoch: string | undefined;
  #damage: Damage | undefined;
  /** What is on the disk and was not asked for yet. */
  readonly #written: Written[] = [];
  #verifying: Promise<void> | undefined;
  /** The database is not what this process knows, and was not looked through since. */
  #due = true;

  private constructor(parts: WorkParts) {
    this.clock = parts.clock;
    this.#parts = parts;
    this.#tables = parts.tables;
  }

  static async begin(parts: WorkParts): Promise<Work> {
    const { database, tables, clock, onFatal } = parts;
    const work = new Work(parts);
    const [id, part] = [clock.token(TOKEN_BYTES), clock.token(TOKEN_BYTES)];
    await database.write((session) => tables.epochs.initialise(session, id, part));
    await work.#verify();
    work.#history = await History.begin(database, tables, onFatal);
    return work;
  }

  /** What operators have to put right; undefined when all is well. */
  get damage(): Damage | undefined {
    return this.#damage;
  }

  /** Reads one consistent state. */
  read<T>(script: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#soundly((history) => history.read((...begun) => script(this.#transaction(...begun))));
  }

  /** Writes to any table but the log. */
  write<T>(script: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#soundly((history) => history.write((...begun) => script(this.#transaction(...begun))));
  }

  /**
   * Writes to the logs too. The first change after the start opens an epoch. The script calls `log.finish()` after its
   * last change and before it notes what became of it. Errors: TypeError when it did not.
   */
  async change<T>(script: (transaction: LogTransaction) => Promise<T>): Promise<T> {
    const { answer, log, written } = await this.#soundly((history) =>
      history.write(
        (...begun) => this.#changing(this.#transaction(...begun), script),
        ({ last }) => last,
      ),
    );
    this.#conclude(log);
    if (written !== undefined) this.#written.push(written);
    if (this.#written.length > MAX_WRITTEN) this.#written.shift();
    return answer;
  }

  /** What changes wrote that were little, since this was asked last. */
  takeWritten(): readonly Written[] {
    return this.#written.splice(0);
  }

  /** Opens an epoch by decree, with the random part that is handed to the script. */
  beginAnew<T>(script: (transaction: Transaction, part: string) => Promise<T>): Promise<T> {
    return this.write((transaction) => script(transaction, this.clock.token(TOKEN_BYTES)));
  }

  /** Looks through the whole database, and puts right what can be. */
  async verify(): Promise<void> {
    this.#verifying ??= this.#verify().finally(() => {
      this.#verifying = undefined;
    });
    await this.#verifying;
  }

  /**
   * Nothing is answered from a database that changed in a way that nobody knows, and no row that is not what was written:
   * it is looked through first, and then asked again.
   */
  async #soundly<T>(work: (history: History) => Promise<T>): Promise<T> {
    const history = this.#history;
    if (history === undefined) throw new TypeError('work before its beginning');
    try {
      await this.#look();
      return await work(history);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.code !== 'DAMAGED') return history.fail(error);
    }
    await this.verify().catch((error: unknown) => history.fail(error));
    return work(history);
  }

  async #look(): Promise<void> {
    const look = this.#parts.database.look();
    if (look === 'strange' || (look === 'others' && (await this.#isUncounted()))) this.#due = true;
    if (this.#due) await this.verify();
    else await this.#verifying;
  }

  /** Another controller counts; what a release did that does not is counted anew. */
  async #isUncounted(): Promise<boolean> {
    if (this.#damage !== undefined) return true;
    const { database, tables } = this.#parts;
    return database.read(async (session) => {
      const [specs, epochs] = [await tables.sums.kept(session, 'specs'), await tables.sums.kept(session, 'epochs')];
      return specs.sum === null || epochs.sum === null;
    });
  }

  async #verify(): Promise<void> {
    const { database, tables, onDamage } = this.#parts;
    const ordered = await database.inspect();
    let back = 0;
    const { lost, mended } = await database.write(async (session) => {
      const found = await verifyTruth(this.#transaction(session), !ordered);
      back = await verifyRollouts(this.#transaction(session), !ordered, this.clock.nowMs());
      if (await tables.epochs.isEmpty(session)) await tables.epochs.open(session, 1, this.clock.token(TOKEN_BYTES));
      await verifyCounter(this.#transaction(session));
      return found;
    });
    this.#damage = lost === undefined ? undefined : { lost, standing: [] };
    const hosts = await this.#mendLogs(!ordered, back > 0);
    const emptied = ordered ? [] : await database.confirm();
    const said = [
      ...(ordered ? [] : ['the order of its rows']),
      ...mended,
      ...(back > 0 ? [`${back} rollouts that were under way, which go back`] : []),
      ...hosts.map((host) => `the log of ${host}`),
      ...emptied.map((table) => `${table}, by emptying it`),
    ];
    this.#due = false;
    if (said.length > 0 || this.#damage !== undefined) onDamage(said, this.#damage);
  }

  /** With `all`, the logs of all hosts are made to say again what the specs say. */
  async #mendLogs(anew: boolean, all: boolean): Promise<readonly string[]> {
    const { database } = this.#parts;
    const { answer, log } = await database.write((session) =>
      this.#changing(this.#transaction(session), async (transaction) => {
        const hosts = this.#damage === undefined ? await mendLogs(transaction, anew) : [];
        if (all && this.#damage === undefined) await convergeAll(transaction);
        if (transaction.log.damaged) transaction.log.assessed = { damage: await assess(transaction) };
        await transaction.log.finish();
        return hosts;
      }),
    );
    this.#conclude(log);
    return answer;
  }

  async #changing<T>(transaction: Transaction, script: (transaction: LogTransaction) => Promise<T>) {
    const { session, tables, newest } = transaction;
    const log = new LogWriter(transaction, newest?.lastRev ?? (await tables.epochs.lastRev(session)), {
      epochPart: await this.#epochToOpen(transaction),
      atMs: this.clock.nowMs(),
      damaged: this.#damage !== undefined,
    });
    const answer = await script({ ...transaction, log });
    const { epoch = newest?.epoch, rev } = log.requireResult();
    const last = epoch === undefined ? undefined : { epoch, rev };
    return { answer, log, last, written: await readWritten({ ...transaction, log }) };
  }

  /** What was done is on the disk. */
  #conclude(log: LogWriter): void {
    this.#epoch = log.requireResult().epoch ?? this.#epoch;
    if (log.assessed !== undefined) this.#damage = log.assessed.damage;
  }

  #transaction(session: Session, newest?: Epoch): Transaction {
    return { session, tables: this.#tables, turn: this.clock.turn, damage: this.#damage, newest };
  }

  /** The random part of the epoch to open with the first change; undefined when this process has opened one. */
  async #epochToOpen({ session, tables, newest }: Transaction): Promise<string | undefined> {
    const epoch = this.#epoch;
    const open = epoch !== undefined && (epoch === newest?.epoch || (await tables.epochs.has(session, epoch)));
    return open ? undefined : this.clock.token(TOKEN_BYTES);
  }
}
