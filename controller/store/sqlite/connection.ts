import type BetterSqlite3 from 'better-sqlite3';
import { type Patience, patiently } from '../../../daemon/patiently.ts';
import { StoreError } from '../../model/store-error.ts';
import type { Query } from '../query.ts';
import type { Session } from '../session.ts';
import { storeErrorOf } from './sqlite-error.ts';

/** An apply of 100,000 specs by another controller holds the lock for seconds. */
const BUSY_LIMIT_MS = 30_000;

/** A transaction that changed so many rows leaves some twenty megabytes of log, and more to move into the database. */
const MANY_ROWS = 50_000;

/** Where the database is, and by what clock it is waited for. */
export interface Place {
  readonly path: string;
  readonly clock: Patience['clock'];
}

export function patienceAt({ path, clock }: Place): Patience {
  const isBusy = (cause: unknown): boolean => {
    const error = storeErrorOf(cause, path);
    return error instanceof StoreError && error.code === 'BUSY';
  };
  return { isBusy, limitMs: BUSY_LIMIT_MS, clock };
}

/** One connection to the file, with one transaction at a time; others wait in line. */
export class Connection implements Session {
  readonly #place: Place;
  #database: BetterSqlite3.Database;
  readonly #prepared = new Map<object, BetterSqlite3.Statement<unknown[], unknown>>();
  /** Those that begin and end a transaction, by their text. */
  readonly #bounds = new Map<string, BetterSqlite3.Statement>();
  #version: BetterSqlite3.Statement | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  /** Rows that the transaction changed. */
  #changed = 0;
  /** What it wrote is to be moved from the log into the database. */
  #isLogLong = false;

  constructor(place: Place, database: BetterSqlite3.Database) {
    this.#place = place;
    this.#database = database;
  }

  async all<Values, Row>(query: Query<Values, Row>, values: Values): Promise<Row[]> {
    return this.#statement(query).all(...query.bind(values)) as Row[];
  }

  each<Values, Row>(query: Query<Values, Row>, values: Values): Iterable<Row> {
    return this.#statement(query).iterate(...query.bind(values)) as Iterable<Row>;
  }

  async first<Values, Row>(query: Query<Values, Row>, values: Values): Promise<Row | undefined> {
    return this.#statement(query).get(...query.bind(values)) as Row | undefined;
  }

  async run<Values>(query: Query<Values, unknown>, values: Values): Promise<number> {
    const { changes } = this.#statement(query).run(...query.bind(values));
    this.#changed += changes;
    return changes;
  }

  transact<T>(begin: string, work: (session: Session) => Promise<T>): Promise<T> {
    return this.#next(async () => {
      try {
        await patiently(() => this.#bound(begin), patienceAt(this.#place));
        this.#changed = 0;
        const result = await work(this);
        this.#commit();
        return result;
      } catch (error) {
        if (this.#database.inTransaction) this.#database.exec('rollback');
        throw storeErrorOf(error, this.#place.path);
      }
    });
  }

  /** Goes on with another connection to the same file: nothing that this one has read is kept. */
  renew(open: () => BetterSqlite3.Database): Promise<void> {
    return this.#next(async () => {
      const old = this.#database;
      this.#database = open();
      this.#prepared.clear();
      this.#bounds.clear();
      this.#version = undefined;
      old.close();
    });
  }

  /** True once after a large transaction: whoever asks then moves the log, and has commits move it again. */
  takeLongLog(): boolean {
    const is = this.#isLogLong;
    this.#isLogLong = false;
    return is;
  }

  /** From a large transaction on the log is left as it is: to move it in a commit would stop everything for as long again. */
  #commit(): void {
    if (this.#changed >= MANY_ROWS) {
      this.#isLogLong = true;
      this.#database.pragma('wal_autocheckpoint = 0');
    }
    this.#bound('commit');
  }

  /** Has the connection for itself, outside of any transaction. */
  alone<T>(work: (database: BetterSqlite3.Database) => T): Promise<T> {
    return this.#next(async () => work(this.#database));
  }

  /** Grows when another connection commits; https://www.sqlite.org/pragma.html#pragma_data_version. */
  get version(): unknown {
    this.#version ??= this.#database.prepare('pragma data_version').pluck();
    return this.#version.get();
  }

  close(): Promise<void> {
    return this.#next(async () => {
      this.#database.close();
    });
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {}); // the caller has the error; the next in line is not concerned
    return result;
  }

  #bound(sql: string): void {
    const statement = this.#bounds.get(sql) ?? this.#database.prepare(sql);
    this.#bounds.set(sql, statement);
    statement.run();
  }

  #statement<Values, Row>(query: Query<Values, Row>): BetterSqlite3.Statement<unknown[], unknown> {
    const known = this.#prepared.get(query);
    if (known !== undefined) return known;
    const statement = this.#database.prepare<unknown[], unknown>(query.sql);
    this.#prepared.set(query, statement);
    return statement;
  }
}
