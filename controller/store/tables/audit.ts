import type { Kysely } from 'kysely';
import { query } from '../query.ts';
import type { Schema } from '../schema.ts';
import type { Session } from '../session.ts';

/** What was asked of the controller and done, in the transaction that did it. */
export class AuditTable {
  readonly #insert;

  constructor(db: Kysely<Schema>) {
    this.#insert = query<{ at_ms: number; verb: string; detail: string }>((at) =>
      db.insertInto('audit').values({ at_ms: at('at_ms'), verb: at('verb'), detail: at('detail') }),
    );
  }

  note(session: Session, atMs: number, verb: string, detail: object): Promise<number> {
    return session.run(this.#insert, { at_ms: atMs, verb, detail: JSON.stringify(detail) });
  }
}
