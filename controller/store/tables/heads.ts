import type { Kysely } from 'kysely';
import { EMPTY_DIGEST } from '../../../protocol/digest.ts';
import { upsert } from '../dialect.ts';
import { query } from '../query.ts';
import type { HeadRow, Schema } from '../schema.ts';
import type { Session } from '../session.ts';

/** Where a host's log stands. */
export type Head = Readonly<HeadRow>;

/** Where the log of every host stands. */
export class HeadTable {
  readonly #one;
  readonly #between;
  readonly #afterRev;
  readonly #afterHost;
  readonly #put;

  constructor(db: Kysely<Schema>) {
    const heads = db.selectFrom('heads').selectAll();
    this.#one = query<{ host: string }, HeadRow>((at) => heads.where('host', '=', at('host')));
    this.#between = query<{ first: string; last: string }, HeadRow>((at) =>
      heads.where('host', '>=', at('first')).where('host', '<=', at('last')),
    );
    this.#afterRev = query<{ rev: number }, HeadRow>((at) => heads.where('rev', '>', at('rev')));
    this.#afterHost = query<{ after: string; limit: number }, { host: string }>((at) =>
      db
        .selectFrom('heads')
        .select('host')
        .where('host', '>', at('after'))
        .union(db.selectFrom('hosts').select('host').where('host', '>', at('after')))
        .orderBy('host')
        .limit(at('limit')),
    );
    this.#put = query<HeadRow>((at) =>
      upsert(db, 'heads', ['host'], { host: at('host'), rev: at('rev'), floor: at('floor'), digest: at('digest') }),
    );
  }

  async find(session: Session, host: string): Promise<Head> {
    return (await session.first(this.#one, { host })) ?? { host, rev: 0, floor: 0, digest: EMPTY_DIGEST };
  }

  /** How far the logs of the hosts from one to another, both included, have come, by host. */
  async between(session: Session, first: string, last: string): Promise<Map<string, number>> {
    const rows = await session.all(this.#between, { first, last });
    return new Map(rows.map(({ host, rev }) => [host, rev]));
  }

  after(session: Session, rev: number): Promise<Head[]> {
    return session.all(this.#afterRev, { rev });
  }

  put(session: Session, head: Head): Promise<number> {
    return session.run(this.#put, head);
  }

  /** Every host that reported or has a log, in order. */
  async hosts(session: Session, after: string, limit: number): Promise<string[]> {
    return (await session.all(this.#afterHost, { after, limit })).map((row) => row.host);
  }
}
