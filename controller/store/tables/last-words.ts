import type { Kysely } from 'kysely';
import { listen, type Said } from '../../model/live.ts';
import type { Report } from '../../ports.ts';
import { listed } from '../dialect.ts';
import { query } from '../query.ts';
import type { HostRow, Schema } from '../schema.ts';
import type { Session } from '../session.ts';

/** What a host said last, and made ready to be asked of many redirects. */
export interface LastWord {
  readonly report: Report;
  readonly said: Said;
}

type Stamp = Pick<HostRow, 'host' | 'checksum'>;

/** Judges a row and reads it; undefined where it is damaged. */
type ReadRow = (row: HostRow) => Report | undefined;

/**
 * What every host said last, each read once: a row with the checksum of one that was read or written before says the same.
 * So what a transaction took back does no harm, and another controller may write as well.
 */
export class LastWords {
  readonly #read: ReadRow;
  readonly #stamps;
  readonly #stamp;
  readonly #some;
  readonly #kept = new Map<string, { readonly checksum: string | null; readonly word: LastWord }>();

  constructor(db: Kysely<Schema>, read: ReadRow) {
    this.#read = read;
    this.#stamps = query<object, Stamp>(() => db.selectFrom('hosts').select(['host', 'checksum']));
    this.#stamp = query<{ host: string }, Stamp>((at) =>
      db.selectFrom('hosts').select(['host', 'checksum']).where('host', '=', at('host')),
    );
    this.#some = query<{ hosts: string }, HostRow>((at) =>
      db
        .selectFrom('hosts')
        .selectAll()
        .where('host', 'in', listed(at('hosts'))),
    );
  }

  /** Notes what a row says that was written. */
  keep({ host, checksum }: Stamp, report: Report): LastWord {
    const word = wordOf(report);
    this.#kept.set(host, { checksum, word });
    return word;
  }

  /** Of one host; undefined where it said nothing that can be read. */
  async of(session: Session, host: string): Promise<Report | undefined> {
    const stamp = await session.first(this.#stamp, { host });
    if (stamp === undefined) return undefined;
    const kept = this.#known(stamp);
    if (kept !== undefined) return kept.report;
    const [row] = await session.all(this.#some, { hosts: JSON.stringify([host]) });
    const report = row && this.#read(row);
    return row && report && this.keep(row, report).report;
  }

  /** By host. */
  async all(session: Session): Promise<ReadonlyMap<string, LastWord>> {
    const words = new Map<string, LastWord>();
    const others: string[] = [];
    for (const stamp of await session.all(this.#stamps, {})) {
      const word = this.#known(stamp);
      if (word === undefined) others.push(stamp.host);
      else words.set(stamp.host, word);
    }
    for (const row of others.length === 0 ? [] : await session.all(this.#some, { hosts: JSON.stringify(others) })) {
      const report = this.#read(row);
      if (report !== undefined) words.set(row.host, this.keep(row, report));
    }
    for (const host of this.#kept.keys()) if (!words.has(host)) this.#kept.delete(host);
    return words;
  }

  #known({ host, checksum }: Stamp): LastWord | undefined {
    const kept = this.#kept.get(host);
    return checksum !== null && kept?.checksum === checksum ? kept.word : undefined;
  }
}

/** Most are never asked of any redirect before the next comes. */
function wordOf(report: Report): LastWord {
  let said: Said | undefined;
  return {
    report,
    get said() {
      said ??= listen(report.status);
      return said;
    },
  };
}
