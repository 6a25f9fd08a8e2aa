import type { Kysely } from 'kysely';
import { addDigest, EMPTY_DIGEST } from '../../../protocol/digest.ts';
import { query } from '../query.ts';
import type { Schema } from '../schema.ts';
import type { Session } from '../session.ts';

/** The tables that nothing can make anew. */
export type Counted = 'specs' | 'epochs';

/** How many rows a table has, and what their checksums add up to, in whatever order. */
export interface Count {
  readonly rows: number;
  readonly sum: string;
}

/** What is kept of it; the sum is null where a release wrote that does not count. */
export interface Kept {
  readonly rows: number;
  readonly sum: string | null;
}

/** The checksums of a row as it was and as it is; undefined where it was not, or is not any more. */
export interface Moved {
  readonly was: string | null | undefined;
  readonly is: string | null | undefined;
}

export function countOf(rows: Iterable<{ readonly checksum: string | null }>): Count {
  let count: Count = { rows: 0, sum: EMPTY_DIGEST };
  for (const { checksum } of rows) count = { rows: count.rows + 1, sum: addDigest(count.sum, numberOf(checksum)) };
  return count;
}

/** Keeps count of the tables of truth, in `meta`; whoever changes a row of them moves it in the same transaction. */
export class SumTable {
  readonly #read: Record<Counted, ReturnType<typeof readOf>>;
  readonly #write: Record<Counted, ReturnType<typeof writeOf>>;

  constructor(db: Kysely<Schema>) {
    this.#read = { specs: readOf(db, 'specs'), epochs: readOf(db, 'epochs') };
    this.#write = { specs: writeOf(db, 'specs'), epochs: writeOf(db, 'epochs') };
  }

  async kept(session: Session, table: Counted): Promise<Kept> {
    const row = await session.first(this.#read[table], {});
    return { rows: row?.rows ?? 0, sum: row?.sum ?? null };
  }

  async keep(session: Session, table: Counted, { rows, sum }: Kept): Promise<void> {
    await session.run(this.#write[table], { rows, sum });
  }

  /** Rows went, came, or took the place of others. What is not known stays so. */
  async move(session: Session, table: Counted, moved: readonly Moved[]): Promise<void> {
    if (moved.length === 0) return;
    const { rows, sum } = await this.kept(session, table);
    if (sum === null) return;
    let [count, added] = [rows, 0n];
    for (const { was, is } of moved) {
      count += Number(is !== undefined) - Number(was !== undefined);
      added += (is === undefined ? 0n : numberOf(is)) - (was === undefined ? 0n : numberOf(was));
    }
    await this.keep(session, table, { rows: count, sum: addDigest(sum, added) });
  }
}

function numberOf(checksum: string | null): bigint {
  return /^[0-9a-f]{32}$/.test(checksum ?? '') ? BigInt(`0x${checksum}`) : 0n;
}

function readOf(db: Kysely<Schema>, table: Counted) {
  return query<object, { rows: number | null; sum: string | null }>(() =>
    db.selectFrom('meta').select([`${table}_rows as rows`, `${table}_sum as sum`]),
  );
}

function writeOf(db: Kysely<Schema>, table: Counted) {
  return query<Kept>((at) =>
    db.updateTable('meta').set({ [`${table}_rows`]: at('rows'), [`${table}_sum`]: at('sum') }),
  );
}
