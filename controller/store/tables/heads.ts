import type { Kysely } from 'kysely';
import { EMPTY_DIGEST } from '../../../protocol/digest.ts';
import { listed, upsert } from '../dialect.ts';
import { query } from '../query.ts';
import type { HeadRow, Schema } from '../schema.ts';
import type { Session } from '../session.ts';
import { Seal } from './seal.ts';

export const headSeal = new Seal<HeadRow>('heads', ['host', 'rev', 'floor', 'digest']);

/** Where a host's log stands. */
export type Head = Readonly<Omit<HeadRow, 'checksum'>>;

/** Where the log of every host stands. */
export class HeadTable {
  readonly #one;
  readonly #some;
  readonly #between;
  readonly #afterRev;
  readonly #afterHost;
  readonly #listed;
  readonly #put;
  readonly #all;
  readonly #clear;
  readonly #dropBeyond;

  constructor(db: Kysely<Schema>) {
    const heads = db.selectFrom('heads').selectAll();
    this.#one = query<{ host: string }, HeadRow>((at) => heads.where('host', '=', at('host')));
    this.#some = query<{ hosts: string }, HeadRow>((at) => heads.where('host', 'in', listed(at('hosts'))));
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
    this.#listed = query<{ after: string; limit: number; digest: string }, { host: string }>((at) =>
      db
        .selectFrom('heads')
        .select('host')
        .where('host', '>', at('after'))
        .where('digest', '!=', at('digest'))
        .union(db.selectFrom('hosts').select('host').where('host', '>', at('after')))
        .orderBy('host')
        .limit(at('limit')),
    );
    this.#put = query<HeadRow>((at) =>
      upsert(db, 'heads', ['host'], {
        host: at('host'),
        rev: at('rev'),
        floor: at('floor'),
        digest: at('digest'),
        checksum: at('checksum'),
      }),
    );
    this.#all = query<object, HeadRow>(() => heads);
    this.#clear = query<object>(() => db.deleteFrom('heads'));
    this.#dropBeyond = query<{ rev: number }>((at) => db.deleteFrom('heads').where('rev', '>', at('rev')));
  }

  async find(session: Session, host: string): Promise<Head> {
    const row = await session.first(this.#one, { host });
    return row === undefined ? emptyHead(host) : headSeal.require(row);
  }

  /** The same of several hosts, in their order. */
  async of(session: Session, hosts: readonly string[]): Promise<Head[]> {
    const rows = await session.all(this.#some, { hosts: JSON.stringify(hosts) });
    const known = new Map(rows.map((row) => [row.host, headSeal.require(row)]));
    return hosts.map((host) => known.get(host) ?? emptyHead(host));
  }

  /** How far the logs of the hosts from one to another, both included, have come, by host. */
  async between(session: Session, first: string, last: string): Promise<Map<string, number>> {
    const rows = await session.all(this.#between, { first, last });
    return new Map(rows.map(({ host, rev }) => [host, rev]));
  }

  async after(session: Session, rev: number): Promise<Head[]> {
    return (await session.all(this.#afterRev, { rev })).map((row) => headSeal.require(row));
  }

  put(session: Session, { host, rev, floor, digest }: Head): Promise<number> {
    return session.run(this.#put, headSeal.put({ host, rev, floor, digest }));
  }

  /** Every row, damaged or not, as the table has them. */
  scan(session: Session): Iterable<HeadRow> {
    return session.each(this.#all, {});
  }

  /** Drops what no counter ever reached. */
  dropBeyond(session: Session, rev: number): Promise<number> {
    return session.run(this.#dropBeyond, { rev });
  }

  /** Makes the table what the rows say. */
  async layAnew(session: Session, heads: readonly Head[]): Promise<void> {
    await session.run(this.#clear, {});
    for (const head of heads) await this.put(session, head);
  }

  /** Every host that reported or that something is for, in order: one that is forgotten has a head, and neither. */
  async listed(session: Session, after: string, limit: number): Promise<string[]> {
    return (await session.all(this.#listed, { after, limit, digest: EMPTY_DIGEST })).map((row) => row.host);
  }

  /** Every host that reported or has a log, in order. */
  async hosts(session: Session, after: string, limit: number): Promise<string[]> {
    return (await session.all(this.#afterHost, { after, limit })).map((row) => row.host);
  }
}

function emptyHead(host: string): Head {
  return { host, rev: 0, floor: 0, digest: EMPTY_DIGEST };
}
