import type { Kysely } from 'kysely';
import type { Cursor } from '../../../protocol/cursor.ts';
import type { Epoch } from '../../model/standing.ts';
import { upsert } from '../dialect.ts';
import { query } from '../query.ts';
import type { EpochRow, MetaRow, Schema } from '../schema.ts';
import type { Session } from '../session.ts';
import { Seal } from './seal.ts';
import type { SumTable } from './sums.ts';

export const epochSeal = new Seal<EpochRow>('epochs', ['epoch', 'ordinal', 'first_rev', 'superseded']);

/** The one counter of revs, and the epochs into which it is divided (C1). */
export class EpochTable {
  readonly #meta;
  readonly #putMeta;
  readonly #find;
  readonly #newest;
  readonly #next;
  readonly #previous;
  readonly #all;
  readonly #insert;
  readonly #put;
  readonly #clear;
  readonly #newestHead;
  readonly #sums: SumTable;

  constructor(db: Kysely<Schema>, sums: SumTable) {
    this.#sums = sums;
    const epochs = db.selectFrom('epochs').selectAll();
    this.#meta = query<object, MetaRow>(() => db.selectFrom('meta').selectAll());
    this.#putMeta = query<Pick<MetaRow, 'database_id' | 'last_rev'>>((at) =>
      upsert(db, 'meta', ['id'], { id: 1, database_id: at('database_id'), last_rev: at('last_rev') }),
    );
    this.#find = query<{ epoch: string }, EpochRow>((at) => epochs.where('epoch', '=', at('epoch')));
    this.#newest = query<object, EpochRow>(() => epochs.orderBy('ordinal', 'desc').limit(1));
    this.#next = query<{ ordinal: number }, EpochRow>((at) =>
      epochs.where('ordinal', '>', at('ordinal')).orderBy('ordinal').limit(1),
    );
    this.#previous = query<{ ordinal: number }, EpochRow>((at) =>
      epochs.where('ordinal', '<', at('ordinal')).orderBy('ordinal', 'desc').limit(1),
    );
    this.#all = query<object, EpochRow>(() => epochs);
    this.#insert = query<EpochRow>((at) =>
      db.insertInto('epochs').values({
        epoch: at('epoch'),
        ordinal: at('ordinal'),
        first_rev: at('first_rev'),
        superseded: at('superseded'),
        checksum: at('checksum'),
      }),
    );
    this.#put = query<EpochRow>((at) =>
      upsert(db, 'epochs', ['epoch'], {
        epoch: at('epoch'),
        ordinal: at('ordinal'),
        first_rev: at('first_rev'),
        superseded: at('superseded'),
        checksum: at('checksum'),
      }),
    );
    this.#clear = query<object>(() => db.deleteFrom('epochs'));
    this.#newestHead = query<object, { rev: number | null }>(() =>
      db.selectFrom('heads').select((all) => all.fn.max('rev').as('rev')),
    );
  }

  /**
   * Gives a new database its id and an epoch without any change, so that a host can be told that it holds all there is.
   */
  async initialise(session: Session, id: string, epochPart: string): Promise<void> {
    if ((await session.first(this.#meta, {})) !== undefined) return;
    await session.run(this.#putMeta, { database_id: id, last_rev: 0 });
    await this.open(session, 1, epochPart);
  }

  /** The counter, but never less than what was given to a host. */
  async lastRev(session: Session): Promise<number> {
    const { last_rev } = await this.#requireMeta(session);
    return Math.max(last_rev, (await session.first(this.#newestHead, {}))?.rev ?? 0);
  }

  async setLastRev(session: Session, rev: number): Promise<void> {
    await session.run(this.#putMeta, { ...(await this.#requireMeta(session)), last_rev: rev });
  }

  /** Opens a new epoch, which begins with `firstRev`; `part` tells it from all others of this database. */
  async open(session: Session, firstRev: number, part: string): Promise<string> {
    const { database_id } = await this.#requireMeta(session);
    const newest = await session.first(this.#newest, {});
    const epoch = `${database_id}.${part}`;
    const ordinal = (newest?.ordinal ?? 0) + 1;
    const row = epochSeal.put({ epoch, ordinal, first_rev: firstRev, superseded: 0 });
    await session.run(this.#insert, row);
    await this.#sums.move(session, 'epochs', undefined, row.checksum ?? undefined);
    return epoch;
  }

  /** Takes every epoch for over, and these, of other databases, too. Answers how many were not before. */
  async supersede(session: Session, foreign: readonly string[]): Promise<number> {
    const rows = [...this.scan(session)];
    const known = new Set(rows.map(({ epoch }) => epoch));
    const first_rev = (await this.lastRev(session)) + 1;
    const ordinal = Math.max(0, ...rows.map((row) => row.ordinal)) + 1;
    const others = foreign
      .filter((epoch) => !known.has(epoch))
      .map((epoch, at) => ({ epoch, ordinal: ordinal + at, first_rev }));
    const live = rows.filter(({ superseded }) => superseded === 0);
    for (const row of live) epochSeal.require(row);
    for (const [is, was] of [
      ...live.map((row) => [row, row.checksum] as const),
      ...others.map((row) => [row, undefined] as const),
    ]) {
      const { epoch, ordinal: place, first_rev: first } = is;
      const row = epochSeal.put({ epoch, ordinal: place, first_rev: first, superseded: 1 });
      await session.run(this.#put, row);
      await this.#sums.move(session, 'epochs', was, row.checksum ?? undefined);
    }
    return live.length + others.length;
  }

  async find(session: Session, epoch: string): Promise<Epoch | undefined> {
    const row = await session.first(this.#find, { epoch });
    return row && this.#complete(session, row);
  }

  async newest(session: Session): Promise<Epoch> {
    const row = await session.first(this.#newest, {});
    if (row === undefined) throw new TypeError('the database has no epoch');
    return this.#complete(session, row);
  }

  /** The end of the epoch before, from which a host may go straight on; null when there is none or it is superseded. */
  async endBefore(session: Session, epoch: Epoch): Promise<Cursor | null> {
    const row = await session.first(this.#previous, { ordinal: epoch.ordinal });
    if (row !== undefined) epochSeal.require(row);
    return row === undefined || row.superseded === 1 ? null : { epoch: row.epoch, rev: epoch.firstRev - 1 };
  }

  async isEmpty(session: Session): Promise<boolean> {
    return (await session.first(this.#newest, {})) === undefined;
  }

  /** Every row, damaged or not, as the table has them. */
  scan(session: Session): Iterable<EpochRow> {
    return session.each(this.#all, {});
  }

  /** Makes the table what the rows say. */
  async layAnew(session: Session, rows: readonly EpochRow[]): Promise<void> {
    await session.run(this.#clear, {});
    for (const row of rows) await session.run(this.#insert, row);
  }

  async #complete(session: Session, row: EpochRow): Promise<Epoch> {
    epochSeal.require(row);
    const next = await session.first(this.#next, { ordinal: row.ordinal });
    const lastRev = next === undefined ? await this.lastRev(session) : next.first_rev - 1;
    const { epoch, ordinal } = row;
    return { epoch, ordinal, firstRev: row.first_rev, lastRev, superseded: row.superseded === 1 };
  }

  async #requireMeta(session: Session): Promise<MetaRow> {
    const row = await session.first(this.#meta, {});
    if (row === undefined) throw new TypeError('the database has no id');
    return row;
  }
}
