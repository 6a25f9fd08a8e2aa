import type { Database } from 'better-sqlite3';
import type { Compilable } from 'kysely';

type Build<P, R> = (slot: <K extends keyof P & string>(name: K) => P[K]) => Compilable<R>;

/** A query compiled once by Kysely and run by SQLite many times; building it for each row costs six times as much. */
export interface PreparedRead<P, R> {
  get(values: P): R | undefined;
  all(values: P): R[];
  /** Rows one by one; no other statement may run before the end. */
  iterate(values: P): IterableIterator<R>;
}

export interface PreparedWrite<P> {
  run(values: P): void;
}

class Slot {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Compiles a query whose values are given at each run: `slot('key')` stands where the value `key` will. */
export function prepareRead<P extends object, R>(database: Database, build: Build<P, R>): PreparedRead<P, R> {
  const { sql, bind } = compile(build);
  const statement = database.prepare<unknown[], R>(sql);
  return {
    get: (values) => statement.get(bind(values)),
    all: (values) => statement.all(bind(values)),
    iterate: (values) => statement.iterate(bind(values)),
  };
}

/** Compiles a statement that changes rows; its values are given at each run. */
export function prepareWrite<P extends object>(database: Database, build: Build<P, unknown>): PreparedWrite<P> {
  const { sql, bind } = compile(build);
  const statement = database.prepare<unknown[]>(sql);
  return {
    run: (values) => {
      statement.run(bind(values));
    },
  };
}

function compile<P, R>(build: Build<P, R>): { readonly sql: string; bind(values: P): unknown[] } {
  const { sql, parameters } = build((name) => new Slot(name) as never).compile();
  return {
    sql,
    bind: (values) =>
      parameters.map((parameter) => (parameter instanceof Slot ? values[parameter.name as keyof P] : parameter)),
  };
}
