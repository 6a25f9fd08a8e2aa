import type { Query } from '../../controller/store/query.ts';
import type { Session } from '../../controller/store/session.ts';

type Answers = Map<string, Promise<unknown>>;

/** Tables whose triggers write another one. */
const WRITES_TOO: Readonly<Record<string, string>> = { specs: 'meta', epochs: 'meta' };

/** A session that reads again only what may have changed: whoever polls finds the same rows most of the time. */
export class Remembering implements Session {
  readonly #session: Session;
  readonly #onForget: (tables?: ReadonlySet<string>) => void;
  /** By statement, what it answered to which values, all of it or the first. */
  readonly #read = new Map<object, Answers>();
  /** The answers of the statements that look at a table. */
  readonly #of = new Map<string, Set<Answers>>();

  /** `onForget` is called when something was written, or taken back; without tables, to any of them. */
  constructor(session: Session, onForget: (tables?: ReadonlySet<string>) => void = () => {}) {
    this.#session = session;
    this.#onForget = onForget;
  }

  all<Values, Row>(query: Query<Values, Row>, values: Values): Promise<Row[]> {
    return this.#once(query, 'all', values, () => this.#session.all(query, values)).then((rows) => [...rows]);
  }

  each<Values, Row>(query: Query<Values, Row>, values: Values): Iterable<Row> {
    return this.#session.each(query, values);
  }

  first<Values, Row>(query: Query<Values, Row>, values: Values): Promise<Row | undefined> {
    return this.#once(query, 'first', values, () => this.#session.first(query, values));
  }

  run<Values>(query: Query<Values, unknown>, values: Values): Promise<number> {
    const tables = writtenBy(query);
    for (const table of tables) this.#forgetOf(table);
    this.#onForget(tables);
    return this.#session.run(query, values);
  }

  /** Something was written by others, or taken back. */
  forget(): void {
    for (const answers of this.#read.values()) answers.clear();
    this.#onForget();
  }

  #forgetOf(table: string): void {
    for (const answers of this.#of.get(table) ?? []) answers.clear();
  }

  #once<T>(query: Query<never, unknown>, asked: 'all' | 'first', values: unknown, read: () => Promise<T>): Promise<T> {
    const known = this.#read.get(query) ?? this.#first(query);
    const place = Object.values(values as object).reduce((text: string, value) => `${text}\0${value}`, asked);
    const answer = (known.get(place) as Promise<T> | undefined) ?? read();
    known.set(place, answer);
    return answer;
  }

  #first(query: Query<never, unknown>): Answers {
    const answers: Answers = new Map();
    this.#read.set(query, answers);
    for (const table of tablesOf(query)) this.#of.set(table, (this.#of.get(table) ?? new Set()).add(answers));
    return answers;
  }
}

const written = new WeakMap<object, ReadonlySet<string>>();

/** Every table that a statement writes, by triggers, too. */
function writtenBy(query: Query<never, unknown>): ReadonlySet<string> {
  const known = written.get(query);
  if (known !== undefined) return known;
  const named = [...tablesOf(query)];
  const all = new Set([...named, ...named.flatMap((table) => WRITES_TOO[table] ?? [])]);
  written.set(query, all);
  return all;
}

const tables = new WeakMap<object, ReadonlySet<string>>();

/** Every table that a statement names. */
function tablesOf(query: Query<never, unknown>): ReadonlySet<string> {
  const known = tables.get(query);
  if (known !== undefined) return known;
  const named = new Set(
    [...query.sql.matchAll(/\b(?:from|join|into|update) "(\w+)"/g)].map(([, table]) => table ?? ''),
  );
  if (named.size === 0) throw new TypeError(`of which table is this: ${query.sql}`);
  tables.set(query, named);
  return named;
}
