import type { Database } from 'better-sqlite3';
import type { Compilable } from 'kysely';

/** A statement compiled once by Kysely and run by SQLite many times; building the query for each row costs six times as much. */
export interface Prepared<P, R> {
  run(values: P): void;
  get(values: P): R | undefined;
  all(values: P): R[];
  /** Rows one by one; no other statement may run before the end. */
  iterate(values: P): IterableIterator<R>;
}

class Slot {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Compiles a query whose values are given at each run: `slot('key')` stands where the value `key` will. */
export function prepare<P extends object, R = never>(
  database: Database,
  build: (slot: <K extends keyof P & string>(name: K) => P[K]) => Compilable<R>,
): Prepared<P, R> {
  const { sql, parameters } = build((name) => new Slot(name) as never).compile();
  const statement = database.prepare<unknown[], R>(sql);
  const bind = (values: P): unknown[] =>
    parameters.map((parameter) => (parameter instanceof Slot ? values[parameter.name as keyof P] : parameter));
  return {
    run: (values) => {
      statement.run(bind(values));
    },
    get: (values) => statement.get(bind(values)),
    all: (values) => statement.all(bind(values)),
    iterate: (values) => statement.iterate(bind(values)),
  };
}
