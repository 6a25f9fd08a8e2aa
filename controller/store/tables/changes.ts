import type { Kysely } from 'kysely';
import { type Change, type Put, parseChange } from '../../../protocol/intent.ts';
import { confirmOf } from '../../model/publication.ts';
import { listed, pairs, upsert, upTo } from '../dialect.ts';
import { query } from '../query.ts';
import type { ChangeRow, Schema } from '../schema.ts';
import type { Session } from '../session.ts';
import type { HeadTable } from './heads.ts';
import { Holders } from './holders.ts';
import { Seal } from './seal.ts';

export const changeSeal = new Seal<ChangeRow>('changes', ['host', 'key', 'rev', 'op', 'name', 'body', 'at_ms']);

/** Changes that are held in memory at a time, unless one host alone has more. */
export const MANY = 4096;

/** A change as it is made; the table seals it. */
export type NewChange = Omit<ChangeRow, 'checksum'>;

/** The changes of a host after `rev`. */
export interface Span {
  readonly host: string;
  readonly rev: number;
}

/** The log of every host: the newest change of each key. */
export class ChangeTable {
  /** Who holds which key, for listings. */
  readonly holders: Holders;
  readonly #one;
  readonly #some;
  readonly #after;
  readonly #putsAfter;
  readonly #afterEach;
  readonly #counts;
  readonly #unclaimed;
  readonly #standing;
  readonly #put;
  readonly #all;
  readonly #ofHost;
  readonly #clear;
  readonly #clearHost;
  readonly #collectable;
  readonly #collect;

  readonly #heads: HeadTable;

  constructor(db: Kysely<Schema>, heads: HeadTable) {
    this.#heads = heads;
    this.holders = new Holders(db);
    const changes = db.selectFrom('changes').selectAll();
    this.#one = query<{ host: string; key: string }, ChangeRow>((at) =>
      changes.where('host', '=', at('host')).where('key', '=', at('key')),
    );
    this.#some = query<{ host: string; keys: string }, ChangeRow>((at) =>
      changes.where('host', '=', at('host')).where('key', 'in', listed(at('keys'))),
    );
    this.#after = query<Span, ChangeRow>((at) =>
      changes.where('host', '=', at('host')).where('rev', '>', at('rev')).orderBy('rev'),
    );
    this.#putsAfter = query<Span, ChangeRow>((at) =>
      changes.where('host', '=', at('host')).where('rev', '>', at('rev')).where('op', '=', 'put').orderBy('rev'),
    );
    // Crossed, so that hosts are gone through and not all changes.
    this.#afterEach = query<{ spans: string }, ChangeRow>((at) =>
      db
        .selectFrom(pairs(at('spans')).as('span'))
        .crossJoin('changes')
        .selectAll('changes')
        .whereRef('changes.host', '=', 'span.host')
        .whereRef('changes.rev', '>', 'span.rev')
        .limit(upTo(MANY + 1)),
    );
    this.#counts = query<{ spans: string }, { host: string; count: number }>((at) =>
      db.selectFrom(pairs(at('spans')).as('span')).select((of) => [
        'span.host as host',
        of
          .selectFrom(
            of
              .selectFrom('changes')
              .select('rev')
              .whereRef('changes.host', '=', 'span.host')
              .whereRef('changes.rev', '>', 'span.rev')
              .limit(upTo(MANY + 1))
              .as('some'),
          )
          .select((all) => all.fn.countAll<number>().as('count'))
          .$asScalar()
          .$notNull()
          .as('count'),
      ]),
    );
    this.#unclaimed = query<{ host: string }, { key: string }>((at) =>
      db
        .selectFrom('changes')
        .leftJoin('specs', 'specs.key', 'changes.key')
        .leftJoin('rollout_keys', 'rollout_keys.key', 'changes.key')
        .select('changes.key as key')
        .where('changes.host', '=', at('host'))
        .where('changes.op', '=', 'put')
        .where('specs.key', 'is', null)
        .where('rollout_keys.key', 'is', null),
    );
    this.#put = query<ChangeRow>((at) =>
      upsert(db, 'changes', ['host', 'key'], {
        host: at('host'),
        key: at('key'),
        rev: at('rev'),
        op: at('op'),
        name: at('name'),
        body: at('body'),
        at_ms: at('at_ms'),
        checksum: at('checksum'),
      }),
    );
    this.#standing = query<{ host: string; limit: number }, { count: number }>((at) =>
      db
        .selectFrom(
          db
            .selectFrom('changes')
            .select('key')
            .where('host', '=', at('host'))
            .where('op', '=', 'put')
            .limit(at('limit'))
            .as('some'),
        )
        .select((of) => of.fn.countAll<number>().as('count')),
    );
    // Every column: no index has them all, so the table itself is read.
    this.#all = query<object, ChangeRow>(() => changes);
    this.#ofHost = query<{ host: string }, ChangeRow>((at) => changes.where('host', '=', at('host')));
    this.#clear = query<object>(() => db.deleteFrom('changes'));
    this.#clearHost = query<{ host: string }>((at) => db.deleteFrom('changes').where('host', '=', at('host')));
    this.#collectable = query<{ host: string; rev: number; at_ms: number }, { rev: number | null }>((at) =>
      db
        .selectFrom('changes')
        .select((all) => all.fn.max('rev').as('rev'))
        .where('host', '=', at('host'))
        .where('op', '=', 'delete')
        .where((either) => either.or([either('rev', '<=', at('rev')), either('at_ms', '<=', at('at_ms'))])),
    );
    this.#collect = query<{ host: string; rev: number }>((at) =>
      db.deleteFrom('changes').where('host', '=', at('host')).where('rev', '<=', at('rev')).where('op', '=', 'delete'),
    );
  }

  async find(session: Session, host: string, key: string): Promise<ChangeRow | undefined> {
    const row = await session.first(this.#one, { host, key });
    return row && changeSeal.require(row);
  }

  /** What the log of a host says of some keys, by key. */
  async of(session: Session, host: string, keys: readonly string[]): Promise<Map<string, ChangeRow>> {
    const [key = ''] = keys;
    const rows =
      keys.length === 1
        ? await session.all(this.#one, { host, key })
        : await session.all(this.#some, { host, keys: JSON.stringify(keys) });
    return new Map(rows.map((row) => [row.key, changeSeal.require(row)]));
  }

  /** Answers the row as it is stored. */
  async put(session: Session, row: NewChange): Promise<ChangeRow> {
    const stored = changeSeal.put(row);
    await session.run(this.#put, stored);
    return stored;
  }

  /** The changes of a host after a rev, in order; no other statement may run before the end. */
  *after(session: Session, span: Span): Generator<ChangeRow> {
    for (const row of session.each(this.#after, span)) yield changeSeal.require(row);
  }

  /** The same without tombstones: for a host that holds nothing. */
  *putsAfter(session: Session, span: Span): Generator<ChangeRow> {
    for (const row of session.each(this.#putsAfter, span)) yield changeSeal.require(row);
  }

  /** The changes of some hosts, each after its rev and in order, by host; undefined where they are many. */
  async afterEach(session: Session, spans: readonly Span[]): Promise<Map<string, ChangeRow[]> | undefined> {
    const rows = await session.all(this.#afterEach, { spans: listOf(spans) });
    if (rows.length > MANY) return undefined;
    for (const row of rows) changeSeal.require(row);
    return Map.groupBy(
      rows.sort((a, b) => a.rev - b.rev),
      ({ host }) => host,
    );
  }

  /** How many changes some hosts have, each after its rev, by host; counted no further than to where they are many. */
  async counts(session: Session, spans: readonly Span[]): Promise<Map<string, number>> {
    const rows = await session.all(this.#counts, { spans: listOf(spans) });
    return new Map(rows.map(({ host, count }) => [host, count]));
  }

  /** Every row, damaged or not, as the table has them. */
  scan(session: Session): Iterable<ChangeRow> {
    return session.each(this.#all, {});
  }

  /** Every row of a host, damaged or not. */
  ofHost(session: Session, host: string): Promise<ChangeRow[]> {
    return session.all(this.#ofHost, { host });
  }

  /** Makes the table what the rows say, whatever is in it: damage to keys or their order goes, too. */
  async layAnew(session: Session, rows: readonly NewChange[]): Promise<void> {
    this.holders.forget();
    await session.run(this.#clear, {});
    for (const row of rows) await this.put(session, row);
  }

  /** Makes the log of one host what the rows say. */
  async layHost(session: Session, host: string, rows: readonly NewChange[]): Promise<void> {
    this.holders.forget();
    await session.run(this.#clearHost, { host });
    for (const row of rows) await this.put(session, row);
  }

  /** How many redirects stand on a host; counted no further than to `limit`. */
  async standing(session: Session, host: string, limit: number): Promise<number> {
    return (await session.first(this.#standing, { host, limit }))?.count ?? 0;
  }

  /** The keys that stand on a host and that neither a spec nor a rollout claims. */
  async unclaimed(session: Session, host: string): Promise<string[]> {
    return (await session.all(this.#unclaimed, { host })).map((row) => row.key);
  }

  /**
   * Drops the tombstones of a host that it has stored (up to `rev`) or that are as old as `atMs`, and raises the floor to
   * the newest of them. Answers how many went.
   */
  async collect(session: Session, host: string, rev: number, atMs: number): Promise<number> {
    const last = (await session.first(this.#collectable, { host, rev, at_ms: atMs }))?.rev ?? 0;
    if (last === 0) return 0;
    const head = await this.#heads.find(session, host);
    await this.#heads.put(session, { ...head, floor: Math.max(head.floor, last) });
    return session.run(this.#collect, { host, rev: last });
  }
}

function listOf(spans: readonly Span[]): string {
  return JSON.stringify(spans.map(({ host, rev }) => [host, rev]));
}

/**
 * What a stored change says on the wire. Its body was made here from a parsed spec, which its seal proves; what a release wrote that
 * knows no seals is judged once more. Errors: Refused.
 */
export function changeOf(row: ChangeRow): Change {
  const { key, rev, checksum } = row;
  if (row.op === 'delete') {
    const confirm = confirmOf(row.body);
    return { op: 'delete', rev, key, ...(confirm !== undefined && { confirm }) };
  }
  const change: Put = { op: 'put', rev, key, ...(JSON.parse(row.body) as Omit<Put, 'op' | 'rev' | 'key'>) };
  return checksum === null ? parseChange(change) : change;
}

/** No change takes more bytes than this on the wire. */
export function changeBytes(row: ChangeRow): number {
  return Buffer.byteLength(JSON.stringify(row.key)) + Buffer.byteLength(row.body) + 64;
}
