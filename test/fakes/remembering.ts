import type { Query } from '../../controller/store/query.ts';
import type { Session } from '../../controller/store/session.ts';

/** A session that reads again only what may have changed: whoever polls finds the same rows most of the time. */
export class Remembering implements Session {
  readonly #session: Session;
  readonly #read = new Map<object, Map<string, Promise<unknown>>>();

  constructor(session: Session) {
    this.#session = session;
  }

  all<Values, Row>(query: Query<Values, Row>, values: Values): Promise<Row[]> {
    return this.#once(query, values, () => this.#session.all(query, values)).then((rows) => [...rows]);
  }

  each<Values, Row>(query: Query<Values, Row>, values: Values): Iterable<Row> {
    return this.#session.each(query, values);
  }

  first<Values, Row>(query: Query<Values, Row>, values: Values): Promise<Row | undefined> {
    return this.#once(query, values, () => this.#session.first(query, values));
  }

  run<Values>(query: Query<Values, unknown>, values: Values): Promise<number> {
    this.forget();
    return this.#session.run(query, values);
  }

  /** Something was written, or taken back. */
  forget(): void {
    this.#read.clear();
  }

  #once<T>(query: Query<never, unknown>, values: unknown, read: () => Promise<T>): Promise<T> {
    const known = this.#read.get(query) ?? new Map<string, Promise<unknown>>();
    this.#read.set(query, known);
    const place = JSON.stringify(values);
    const answer = (known.get(place) as Promise<T> | undefined) ?? read();
    known.set(place, answer);
    return answer;
  }
}
