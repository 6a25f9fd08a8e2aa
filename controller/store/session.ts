import type { Query } from './query.ts';

/** Runs compiled statements within one transaction. */
export interface Session {
  all<Values, Row>(query: Query<Values, Row>, values: Values): Promise<Row[]>;
  /** Rows one after the other; no other statement may run before the end. */
  each<Values, Row>(query: Query<Values, Row>, values: Values): Iterable<Row>;
  first<Values, Row>(query: Query<Values, Row>, values: Values): Promise<Row | undefined>;
  /** Answers how many rows it changed. */
  run<Values>(query: Query<Values, unknown>, values: Values): Promise<number>;
}

/**
 * What became of a database since this process last wrote: `others` committed to it by its own means; or it is `strange`:
 * it was written to in some other way, and what of it was read before is not to be relied on.
 */
export type Look = 'same' | 'others' | 'strange';

/** A database, whatever it is made of. Reading goes on while a long write is under way. Errors: StoreError. */
export interface Database extends AsyncDisposable {
  /** Where it is, for people. */
  readonly path: string;
  /** Tells what became of it; each change is told once. */
  look(): Look;
  /**
   * Forgets all that was read, and looks whether the database is in order as such. Answers false where its rows have to
   * be written anew, in their order. Errors: StoreError FAILED, when it cannot be read.
   */
  inspect(): Promise<boolean>;
  /**
   * Makes sure that it is in order, once its rows were written anew. Answers which tables of the past had to be emptied for
   * that. Errors: StoreError FAILED.
   */
  confirm(): Promise<readonly string[]>;
  /** Reads one consistent state. */
  read<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Writes all or nothing; what it answers is on the disk. */
  write<T>(work: (session: Session) => Promise<T>): Promise<T>;
}
