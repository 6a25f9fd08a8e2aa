import { checksumOf } from '../../daemon/checksum.ts';
import { type Cursor, readCursor } from '../../protocol/cursor.ts';
import { readDigest } from '../../protocol/read.ts';
import type { OpenDatabase } from './database.ts';
import { type PreparedRead, type PreparedWrite, prepareRead, prepareWrite } from './prepared.ts';
import type { CursorRow } from './schema.ts';
import { understood } from './understood.ts';

/** What the row of `cursor` says: whose store this is, where it stands, and how often desired state was changed. */
export interface Position {
  readonly host: string;
  readonly cursor: Cursor;
  readonly digest: string;
  readonly seq: number;
}

/** The one row of `cursor`. */
export class CursorTable {
  readonly #read: PreparedRead<object, CursorRow>;
  readonly #write: PreparedWrite<CursorRow>;

  constructor({ raw, queries }: OpenDatabase) {
    this.#read = prepareRead(raw, () => queries.selectFrom('cursor').selectAll());
    this.#write = prepareWrite<CursorRow>(raw, (slot) =>
      queries.replaceInto('cursor').values({
        id: slot('id'),
        host: slot('host'),
        epoch: slot('epoch'),
        rev: slot('rev'),
        digest: slot('digest'),
        seq: slot('seq'),
        checksum: slot('checksum'),
      }),
    );
  }

  /** Answers undefined when there is no row; 'damaged' when its checksum does not fit; 'newer' when it cannot be read. */
  read(): Position | 'damaged' | 'newer' | undefined {
    const row = this.#read.get({});
    if (row === undefined) return undefined;
    const { host, epoch, rev, digest, seq } = row;
    if (row.checksum !== checksumOf([host, epoch, rev, digest, seq])) return 'damaged';
    return understood(() => toPosition(row)) ?? 'newer';
  }

  write({ host, cursor: { epoch, rev }, digest, seq }: Position): void {
    const checksum = checksumOf([host, epoch, rev, digest, seq]);
    this.#write.run({ id: 1, host, epoch, rev, digest, seq, checksum });
  }
}

/** Errors: Refused. */
function toPosition({ host, epoch, rev, digest, seq }: CursorRow): Position {
  return { host, cursor: readCursor({ epoch, rev }, 'cursor'), digest: readDigest(digest, 'digest'), seq };
}
