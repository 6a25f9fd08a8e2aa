import type { Epoch } from '../model/standing.ts';
import { StoreError } from '../model/store-error.ts';
import type { Database, Session } from '../store/session.ts';
import type { Tables } from '../store/tables/tables.ts';

/** What this process has seen of the history that it works on. */
export interface Witness {
  readonly epoch: string;
  readonly rev: number;
}

/** A transaction, and the newest epoch by its beginning. */
type Script<T> = (session: Session, newest: Epoch) => Promise<T>;

type Transact<T> = (work: (session: Session) => Promise<T>) => Promise<T>;

/**
 * Transactions on one history: each first makes sure that the database still knows all that this process has seen of
 * it (C1). One that knows less is another one, a backup that was put back under us; then `onFatal` is called, once.
 */
export class History {
  readonly #database: Database;
  readonly #tables: Tables;
  readonly #onFatal: (error: StoreError) => void;
  #seen: Witness;
  #gaveUp = false;

  private constructor(database: Database, tables: Tables, seen: Witness, onFatal: (error: StoreError) => void) {
    this.#database = database;
    this.#tables = tables;
    this.#seen = seen;
    this.#onFatal = onFatal;
  }

  static async begin(database: Database, tables: Tables, onFatal: (error: StoreError) => void): Promise<History> {
    return new History(database, tables, await database.read((session) => witnessOf(session, tables)), onFatal);
  }

  read<T>(work: Script<T>): Promise<T> {
    return this.#on((guarded) => this.#database.read(guarded), work);
  }

  /** What the transaction added is seen once it is committed; `last` says what that is, where it need not be asked. */
  async write<T>(work: Script<T>, last: (answer: T) => Witness | undefined = () => undefined): Promise<T> {
    const { answer, witness } = await this.#on<{ readonly answer: T; readonly witness: Witness }>(
      (guarded) => this.#database.write(guarded),
      async (session, newest) => {
        const answer = await work(session, newest);
        return { answer, witness: last(answer) ?? (await witnessOf(session, this.#tables)) };
      },
    );
    this.#see(witness);
    return answer;
  }

  async #on<T>(transact: Transact<T>, work: Script<T>): Promise<T> {
    const seen = this.#seen; // taken before the transaction begins: what it sees can only be newer
    try {
      return await transact(async (session) => {
        return work(session, await this.#require(session, seen));
      });
    } catch (error) {
      return this.fail(error);
    }
  }

  /** Throws the error; one after which the database is worth nothing ends the process. */
  fail(error: unknown): never {
    if (error instanceof StoreError && error.fatal) this.#giveUp(error);
    throw error;
  }

  #giveUp(error: StoreError): void {
    if (this.#gaveUp) return;
    this.#gaveUp = true;
    this.#onFatal(error);
  }

  async #require(session: Session, seen: Witness): Promise<Epoch> {
    const newest = await this.#tables.epochs.newest(session);
    const now = { epoch: newest.epoch, rev: newest.lastRev };
    const epoch = now.epoch === seen.epoch ? now : await this.#epochOf(session, seen);
    if (epoch === undefined || epoch.rev < seen.rev) {
      throw new StoreError(
        'REPLACED',
        `database ${this.#database.path}: epoch ${seen.epoch}, rev ${seen.rev} is gone from it; a backup was put back under ` +
          'the running controller: restart every controller that uses it',
      );
    }
    this.#see(now);
    return newest;
  }

  /** What the database knows now of the epoch that was the newest when we last looked. */
  async #epochOf(session: Session, { epoch }: Witness): Promise<Witness | undefined> {
    const found = await this.#tables.epochs.find(session, epoch);
    return found && { epoch, rev: found.lastRev };
  }

  #see(witness: Witness): void {
    if (witness.rev >= this.#seen.rev) this.#seen = witness;
  }
}

async function witnessOf(session: Session, tables: Tables): Promise<Witness> {
  const { epoch, lastRev } = await tables.epochs.newest(session);
  return { epoch, rev: lastRev };
}
