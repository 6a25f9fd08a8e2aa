import type { Kysely } from 'kysely';
import type { Cursor } from '../../../protocol/cursor.ts';
import type { Epoch } from '../../model/standing.ts';
import { upsert, upTo } from '../dialect.ts';
import { query } from '../query.ts';
import type { EpochRow, MetaRow, Schema } from '../schema.ts';
import type { Session } from '../session.ts';
import { Seal } from './seal.ts';
import { countOf, type SumTable } from './sums.ts';

export const epochSeal = new Seal<EpochRow>('epochs', ['epoch', 'ordinal', 'first_rev', 'superseded']);

const NO_ID = 'the database has no id';

/** The one counter of revs, and the epochs into which it is divided (C1). */
export class EpochTable {
  readonly #meta;
  readonly #putMeta;
  readonly #setLastRev;
  readonly #find;
  readonly #newest;
  readonly #next;
  readonly #previous;
  readonly #all;
  readonly #insert;
  readonly #clear;
  readonly #counters;
  readonly #sums: SumTable;

  constructor(db: Kysely<Schema>, sums: SumTable) {
    this.#sums = sums;
    const epochs = db.selectFrom('epochs').selectAll();
    this.#meta = query<object, MetaRow>(() => db.selectFrom('meta').selectAll());
    this.#putMeta = query<Pick<MetaRow, 'database_id' | 'last_rev'>>((at) =>
      upsert(db, 'meta', ['id'], { id: 1, database_id: at('database_id'), last_rev: at('last_rev') }),
    );
    this.#setLastRev = query<{ rev: number }>((at) => db.updateTable('meta').set({ last_rev: at('rev') }));
    this.#find = query<{ epoch: string }, EpochRow>((at) => epochs.where('epoch', '=', at('epoch')));
    this.#newest = query<object, EpochRow>(() => epochs.orderBy('ordinal', 'desc').limit(upTo(1)));
    this.#next = query<{ ordinal: number }, EpochRow>((at) =>
      epochs.where('ordinal', '>', at('ordinal')).orderBy('ordinal').limit(upTo(1)),
    );
    this.#previous = query<{ ordinal: number }, EpochRow>((at) =>
      epochs.where('ordinal', '<', at('ordinal')).orderBy('ordinal', 'desc').limit(upTo(1)),
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
    this.#clear = query<object>(() => db.deleteFrom('epochs'));
    this.#counters = query<object, { last_rev: number; head: number | null }>(() =>
      db.selectFrom('meta').select([
        'last_rev',
        (of) =>
          of
            .selectFrom('heads')
            .select((all) => all.fn.max('rev').as('rev'))
            .as('head'),
      ]),
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
    const row = await session.first(this.#counters, {});
    if (row === undefined) throw new TypeError(NO_ID);
    return Math.max(row.last_rev, row.head ?? 0);
  }

  async setLastRev(session: Session, rev: number): Promise<void> {
    if ((await session.run(this.#setLastRev, { rev })) === 0) throw new TypeError(NO_ID);
  }

  /** Opens a new epoch, which begins with `firstRev`; `part` tells it from all others of this database. */
  async open(session: Session, firstRev: number, part: string): Promise<string> {
    const { database_id } = await this.#requireMeta(session);
    const newest = await session.first(this.#newest, {});
    const epoch = `${database_id}.${part}`;
    const ordinal = (newest?.ordinal ?? 0) + 1;
    const row = epochSeal.put({ epoch, ordinal, first_rev: firstRev, superseded: 0 });
    await session.run(this.#insert, row);
    await this.#sums.move(session, 'epochs', [{ was: undefined, is: row.checksum }]);
    return epoch;
  }

  async find(session: Session, epoch: string): Promise<Epoch | undefined> {
    const row = await session.first(this.#find, { epoch });
    return row && this.#complete(session, row);
  }

  async has(session: Session, epoch: string): Promise<boolean> {
    const row = await session.first(this.#find, { epoch });
    return row !== undefined && epochSeal.require(row) === row;
  }

  async newest(session: Session): Promise<Epoch> {
    const row = await session.first(this.#newest, {});
    if (row === undefined) throw new TypeError('the database has no epoch');
    return completed(epochSeal.require(row), await this.lastRev(session));
  }

  /** The end of the epoch before, from which a host may go straight on; null when there is none or it is superseded. */
  async endBefore(session: Session, epoch: Epoch): Promise<Cursor | null> {
    const row = await session.first(this.#previous, { ordinal: epoch.ordinal });
    if (row !== undefined) epochSeal.require(row);
    return row === undefined || row.superseded === 1 ? null : { epoch: row.epoch, rev: epoch.firstRev - 1 };
  }

  /** Supersedes every epoch of the table, and others besides, which come into it. Answers how many, and how many came. */
  async supersede(
    session: Session,
    others: ReadonlySet<string>,
  ): Promise<{ readonly superseded: number; readonly foreign: number }> {
    const known = (await session.all(this.#all, {})).map((row) => epochSeal.require(row));
    const foreign = [...others].filter((epoch) => epoch !== '' && !known.some((row) => row.epoch === epoch));
    const newest = Math.max(0, ...known.map(({ ordinal }) => ordinal));
    const first_rev = (await this.lastRev(session)) + 1;
    const rows = [
      ...known,
      ...foreign.map((epoch, at) => ({ epoch, ordinal: newest + 1 + at, first_rev, superseded: 0 })),
    ].map((row) => epochSeal.put({ ...row, superseded: 1 }));
    await this.layAnew(session, rows);
    await this.#sums.keep(session, 'epochs', countOf(rows));
    return { superseded: rows.length, foreign: foreign.length };
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
    return completed(row, next === undefined ? await this.lastRev(session) : next.first_rev - 1);
  }

  async #requireMeta(session: Session): Promise<MetaRow> {
    const row = await session.first(this.#meta, {});
    if (row === undefined) throw new TypeError(NO_ID);
    return row;
  }
}

function completed({ epoch, ordinal, first_rev, superseded }: EpochRow, lastRev: number): Epoch {
  return { epoch, ordinal, firstRev: first_rev, lastRev, superseded: superseded === 1 };
}
