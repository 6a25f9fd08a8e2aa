import type { Query } from './query.ts';

/** Runs compiled statements within one transaction. */
export interface Session {
  all<Values, Row>(query: Query<Values, Row>, values: Values): Promise<Row[]>;
  first<Values, Row>(query: Query<Values, Row>, values: Values): Promise<Row | undefined>;
  /** Answers how many rows it changed. */
  run<Values>(query: Query<Values, unknown>, values: Values): Promise<number>;
}

/** A database, whatever it is made of. Reading goes on while a long write is under way. Errors: StoreError. */
export interface Database extends AsyncDisposable {
  /** Where it is, for people. */
  readonly path: string;
  /** Reads one consistent state. */
  read<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Writes all or nothing; what it answers is on the disk. */
  write<T>(work: (session: Session) => Promise<T>): Promise<T>;
}
