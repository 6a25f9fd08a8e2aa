import type { Compilable } from 'kysely';

/** A statement that Kysely compiled once. Building it anew for each row would cost several times the running of it. */
export interface Query<Values, Row> {
  readonly sql: string;
  /** Puts named values into the order of the statement's places. */
  readonly bind: (values: Values) => unknown[];
  /** Never set; carries the type of a row. */
  readonly row?: Row;
}

/** Stands in a statement for a value that is given when it runs. */
class Place {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Names a value that is given when the statement runs; Kysely sees its type. */
export type Places<Values> = <Name extends keyof Values & string>(name: Name) => Values[Name];

/** Compiles a statement; `build` says where each named value goes. */
export function query<Values, Row = never>(build: (at: Places<Values>) => Compilable<Row>): Query<Values, Row> {
  const place: unknown = (name: string): Place => new Place(name);
  const { sql, parameters } = build(place as Places<Values>).compile();
  const bind = (values: Values): unknown[] =>
    parameters.map((given) => (given instanceof Place ? values[given.name as keyof Values] : given));
  return { sql, bind };
}
