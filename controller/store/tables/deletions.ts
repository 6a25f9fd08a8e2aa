import type { Kysely } from 'kysely';
import { upsert } from '../dialect.ts';
import { query } from '../query.ts';
import type { DeletionRow, Schema } from '../schema.ts';
import type { Session } from '../session.ts';

/** What hosts were told to delete, until they confirm it. */
export class DeletionTable {
  readonly #put;
  readonly #all;
  readonly #one;
  readonly #drop;
  readonly #forget;

  constructor(db: Kysely<Schema>) {
    const deletions = db
      .selectFrom('deletions')
      .selectAll('deletions')
      .where((of) =>
        of.not(of.exists(of.selectFrom('specs').select('specs.name').whereRef('specs.name', '=', 'deletions.name'))),
      );
    this.#put = query<DeletionRow>((at) =>
      upsert(db, 'deletions', ['name', 'host'], {
        name: at('name'),
        host: at('host'),
        rev: at('rev'),
        audit: at('audit'),
      }),
    );
    this.#all = query<object, DeletionRow>(() => deletions.orderBy('name').orderBy('host'));
    this.#one = query<{ name: string }, DeletionRow>((at) => deletions.where('name', '=', at('name')).orderBy('host'));
    this.#drop = query<{ host: string; rev: number }>((at) =>
      db.deleteFrom('deletions').where('host', '=', at('host')).where('rev', '<=', at('rev')),
    );
    this.#forget = query<{ host: string }>((at) => db.deleteFrom('deletions').where('host', '=', at('host')));
  }

  put(session: Session, row: DeletionRow): Promise<number> {
    return session.run(this.#put, row);
  }

  /** Those of a redirect, or of all, that is not there again, by name and host; also such as were confirmed since. */
  each(session: Session, name?: string): Iterable<DeletionRow> {
    return name === undefined ? session.each(this.#all, {}) : session.each(this.#one, { name });
  }

  /** A host confirmed all up to a rev. */
  drop(session: Session, host: string, rev: number): Promise<number> {
    return session.run(this.#drop, { host, rev });
  }

  /** A host that is forgotten is waited for no more. */
  forget(session: Session, host: string): Promise<number> {
    return session.run(this.#forget, { host });
  }
}
