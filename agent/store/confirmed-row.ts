import { checksumOf } from '../../daemon/checksum.ts';
import type { OpenDatabase } from './database.ts';
import { type PreparedRead, type PreparedWrite, prepareRead, prepareWrite } from './prepared.ts';
import type { ConfirmedRow } from './schema.ts';

/** The one row of `confirmed`: up to where changes of an epoch are confirmed. */
export class ConfirmedTable {
  readonly #read: PreparedRead<object, ConfirmedRow>;
  readonly #write: PreparedWrite<ConfirmedRow>;

  constructor({ raw, queries }: OpenDatabase) {
    this.#read = prepareRead(raw, () => queries.selectFrom('confirmed').selectAll());
    this.#write = prepareWrite<ConfirmedRow>(raw, (slot) =>
      queries.replaceInto('confirmed').values({
        id: slot('id'),
        epoch: slot('epoch'),
        rev: slot('rev'),
        checksum: slot('checksum'),
      }),
    );
  }

  /** Undefined where nothing of this epoch is. What a damaged row said is told again with the next message. */
  read(epoch: string): number | undefined {
    const row = this.#read.get({});
    return row?.epoch === epoch && row.checksum === checksumOf([row.epoch, row.rev]) ? row.rev : undefined;
  }

  /** Takes a mark that is ahead of what is stored for this epoch; answers how far it reaches now. */
  raise(epoch: string, rev: number | undefined): number | undefined {
    const before = this.read(epoch);
    if (rev === undefined || rev <= (before ?? -1)) return before;
    this.#write.run({ id: 1, epoch, rev, checksum: checksumOf([epoch, rev]) });
    return rev;
  }
}
