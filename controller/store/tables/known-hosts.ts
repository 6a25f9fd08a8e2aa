import type { Kysely } from 'kysely';
import type { HostFacts } from '../../model/claim.ts';
import type { Evidence } from '../../model/evidence.ts';
import { listed } from '../dialect.ts';
import { query } from '../query.ts';
import type { HostRow, Schema } from '../schema.ts';
import type { Session } from '../session.ts';
import type { LastWord } from './last-words.ts';

/** What the row of a host says. `word` is undefined where it is in words that this release cannot read. */
export interface KnownHost {
  readonly facts: HostFacts;
  readonly evidence: Evidence;
  readonly word: LastWord | undefined;
}

type Stamp = Pick<HostRow, 'host' | 'checksum'>;

/** Judges a row and reads it; undefined where it is damaged. */
type ReadRow = (row: HostRow) => KnownHost | undefined;

/**
 * What is known of every host, each read once: a row with the checksum of one that was read or written before says the same.
 * So what a transaction took back does no harm, and another controller may write as well.
 */
export class KnownHosts {
  readonly #read: ReadRow;
  readonly #stamps;
  readonly #stamp;
  readonly #some;
  readonly #kept = new Map<string, { readonly checksum: string | null; readonly known: KnownHost }>();

  constructor(db: Kysely<Schema>, read: ReadRow) {
    this.#read = read;
    const stamps = db.selectFrom('hosts').select(['host', 'checksum']);
    this.#stamps = query<object, Stamp>(() => stamps.orderBy('host'));
    // Of one host, but as a range: SQLite would look for one in its row, where the checksum stands behind all that the host said.
    this.#stamp = query<{ host: string }, Stamp>((at) =>
      stamps.where('host', '>=', at('host')).where('host', '<=', at('host')),
    );
    this.#some = query<{ hosts: string }, HostRow>((at) =>
      db
        .selectFrom('hosts')
        .selectAll()
        .where('host', 'in', listed(at('hosts'))),
    );
  }

  /** Notes what a row says that was written. */
  keep({ host, checksum }: Stamp, known: KnownHost): void {
    this.#kept.set(host, { checksum, known });
  }

  /** Of one host; undefined where it said nothing, or its row is damaged. */
  async of(session: Session, host: string): Promise<KnownHost | undefined> {
    const stamp = await session.first(this.#stamp, { host });
    if (stamp === undefined) return undefined;
    return this.#known(stamp) ?? (await this.#readAnew(session, [host])).get(host);
  }

  /** Every host whose row is sound, in their order. */
  async all(session: Session): Promise<ReadonlyMap<string, KnownHost>> {
    const stamps = await session.all(this.#stamps, {});
    // Whoever else reads or writes meanwhile may come to keep another state of a host than this transaction sees.
    const kept = new Map(stamps.map((stamp) => [stamp.host, this.#known(stamp)]));
    const others = stamps.flatMap(({ host }) => (kept.get(host) === undefined ? [host] : []));
    const anew = await this.#readAnew(session, others);
    const hosts = new Map<string, KnownHost>();
    for (const { host } of stamps) {
      const known = kept.get(host) ?? anew.get(host);
      if (known !== undefined) hosts.set(host, known);
    }
    for (const host of this.#kept.keys()) if (!hosts.has(host)) this.#kept.delete(host);
    return hosts;
  }

  #known({ host, checksum }: Stamp): KnownHost | undefined {
    const kept = this.#kept.get(host);
    return checksum !== null && kept?.checksum === checksum ? kept.known : undefined;
  }

  async #readAnew(session: Session, hosts: readonly string[]): Promise<ReadonlyMap<string, KnownHost>> {
    const found = new Map<string, KnownHost>();
    if (hosts.length === 0) return found;
    for (const row of await session.all(this.#some, { hosts: JSON.stringify(hosts) })) {
      const known = this.#read(row);
      if (known === undefined) continue;
      this.keep(row, known);
      found.set(row.host, known);
    }
    return found;
  }
}
