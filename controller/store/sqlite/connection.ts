import type BetterSqlite3 from 'better-sqlite3';
import type { Query } from '../query.ts';
import type { Session } from '../session.ts';
import { type Place, patiently } from './patiently.ts';
import { storeErrorOf } from './sqlite-error.ts';

/** One connection to the file, with one transaction at a time; others wait in line. */
export class Connection implements Session {
  readonly #place: Place;
  readonly #database: BetterSqlite3.Database;
  readonly #prepared = new Map<object, BetterSqlite3.Statement<unknown[], unknown>>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(place: Place, database: BetterSqlite3.Database) {
    this.#place = place;
    this.#database = database;
  }

  async all<Values, Row>(query: Query<Values, Row>, values: Values): Promise<Row[]> {
    return this.#statement(query).all(...query.bind(values)) as Row[];
  }

  async first<Values, Row>(query: Query<Values, Row>, values: Values): Promise<Row | undefined> {
    return this.#statement(query).get(...query.bind(values)) as Row | undefined;
  }

  async run<Values>(query: Query<Values, unknown>, values: Values): Promise<number> {
    return this.#statement(query).run(...query.bind(values)).changes;
  }

  transact<T>(begin: string, work: (session: Session) => Promise<T>): Promise<T> {
    return this.#next(async () => {
      try {
        await patiently(async () => this.#database.exec(begin), this.#place);
        const result = await work(this);
        this.#database.exec('commit');
        return result;
      } catch (error) {
        if (this.#database.inTransaction) this.#database.exec('rollback');
        throw storeErrorOf(error, this.#place.path);
      }
    });
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

  #statement<Values, Row>(query: Query<Values, Row>): BetterSqlite3.Statement<unknown[], unknown> {
    const known = this.#prepared.get(query);
    if (known !== undefined) return known;
    const statement = this.#database.prepare<unknown[], unknown>(query.sql);
    this.#prepared.set(query, statement);
    return statement;
  }
}
