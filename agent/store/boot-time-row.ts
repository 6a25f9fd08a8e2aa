import { checksumOf } from '../../daemon/checksum.ts';
import type { BootTime } from '../model/boot-time.ts';
import type { OpenDatabase } from './database.ts';
import { type PreparedRead, type PreparedWrite, prepareRead, prepareWrite } from './prepared.ts';
import type { BootTimeRow } from './schema.ts';

/** The one row of `boot_time`: of which boot the deadlines are, and which moment of it was noted last. */
export class BootTimeTable {
  readonly #read: PreparedRead<object, BootTimeRow>;
  readonly #write: PreparedWrite<BootTimeRow>;

  constructor({ raw, queries }: OpenDatabase) {
    this.#read = prepareRead(raw, () => queries.selectFrom('boot_time').selectAll());
    this.#write = prepareWrite<BootTimeRow>(raw, (slot) =>
      queries.replaceInto('boot_time').values({
        id: slot('id'),
        boot: slot('boot'),
        ms: slot('ms'),
        checksum: slot('checksum'),
      }),
    );
  }

  /** Undefined where there is none, or a damaged one. */
  read(): BootTime | undefined {
    const row = this.#read.get({});
    if (row === undefined || row.checksum !== checksumOf([row.boot, row.ms])) return undefined;
    return { boot: row.boot, ms: row.ms };
  }

  write({ boot, ms }: BootTime): void {
    this.#write.run({ id: 1, boot, ms, checksum: checksumOf([boot, ms]) });
  }
}
