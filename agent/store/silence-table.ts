import { checksumOf } from '../../daemon/checksum.ts';
import type { Parts } from '../../daemon/parts.ts';
import type { EntryState } from '../model/state.ts';
import type { OpenDatabase } from './database.ts';
import { A_PAGE, keyByKey } from './in-parts.ts';
import { type PreparedRead, type PreparedWrite, prepareRead, prepareWrite } from './prepared.ts';
import type { SilenceRow } from './schema.ts';

export type Silence = Pick<EntryState, 'armed' | 'counted'>;

/** Rows of `silence`: what silence is judged by. A key of which nothing is known has none. */
export class SilenceTable {
  readonly #next: PreparedRead<{ after: string }, SilenceRow>;
  readonly #put: PreparedWrite<SilenceRow>;
  readonly #delete: PreparedWrite<{ key: string }>;
  readonly #deleteArmed: PreparedWrite<object>;
  readonly #armed: PreparedRead<object, SilenceRow>;
  /** Keys with a row, so that a hundred thousand others cost no statement. */
  readonly #keys = new Set<string>();

  constructor({ raw, queries }: OpenDatabase) {
    this.#next = prepareRead<{ after: string }, SilenceRow>(raw, (slot) =>
      queries.selectFrom('silence').selectAll().where('key', '>', slot('after')).orderBy('key').limit(A_PAGE),
    );
    this.#put = prepareWrite<SilenceRow>(raw, (slot) =>
      queries.replaceInto('silence').values({
        key: slot('key'),
        armed: slot('armed'),
        packets: slot('packets'),
        bytes: slot('bytes'),
        seen: slot('seen'),
        checksum: slot('checksum'),
      }),
    );
    this.#delete = prepareWrite<{ key: string }>(raw, (slot) =>
      queries.deleteFrom('silence').where('key', '=', slot('key')),
    );
    this.#deleteArmed = prepareWrite(raw, () =>
      queries.deleteFrom('silence').where('armed', 'is not', null).where('seen', 'is', null),
    );
    this.#armed = prepareRead(raw, () => queries.selectFrom('silence').selectAll().where('armed', 'is not', null));
  }

  /** What a damaged row said is lost: silence is counted anew. */
  *load(): Parts<ReadonlyMap<string, Silence>> {
    const found = new Map<string, Silence>();
    yield* keyByKey(
      (after) => this.#next.all({ after }),
      (row) => {
        this.#keys.add(row.key);
        if (row.checksum === checksum(row)) found.set(row.key, toSilence(row));
      },
    );
    return found;
  }

  save({ key, armed, counted }: EntryState): void {
    if (armed === undefined && counted === undefined) this.forget(key);
    else this.#write(key, { armed, counted });
  }

  /** None is armed any more: that was another boot, whose jiffies were others. */
  disarm(): void {
    this.#deleteArmed.run({}); // most are
    for (const row of this.#armed.all({}))
      if (row.checksum === checksum(row)) this.#write(row.key, { ...toSilence(row), armed: undefined });
      else this.#delete.run(row);
  }

  #write(key: string, { armed, counted }: { readonly [Name in keyof Silence]: Silence[Name] | undefined }): void {
    this.#keys.add(key);
    const row = {
      key,
      armed: armed ?? null,
      packets: counted?.packets.toString() ?? null,
      bytes: counted?.bytes.toString() ?? null,
      seen: counted === undefined ? null : Number(counted.seen),
    };
    this.#put.run({ ...row, checksum: checksum(row) });
  }

  forget(key: string): void {
    if (this.#keys.delete(key)) this.#delete.run({ key });
  }
}

function toSilence({ armed, packets, bytes, seen }: SilenceRow): Silence {
  const isCounted = packets !== null && bytes !== null && seen !== null;
  return {
    ...(armed !== null && { armed }),
    ...(isCounted && { counted: { packets: BigInt(packets), bytes: BigInt(bytes), seen: BigInt(seen) } }),
  };
}

function checksum({ key, armed, packets, bytes, seen }: Omit<SilenceRow, 'checksum'>): string {
  return checksumOf([key, armed, packets, bytes, seen]);
}
