import type { Kysely } from 'kysely';
import type { Marks } from '../../../protocol/marks.ts';
import { listed, upsert } from '../dialect.ts';
import { query } from '../query.ts';
import type { MarkRow, Schema } from '../schema.ts';
import type { Session } from '../session.ts';
import type { Head } from './heads.ts';
import { Seal } from './seal.ts';

const markSeal = new Seal<MarkRow>('marks', ['host', 'confirmed', 'permit', 'moved']);

/** The marks of a host; 0 where there is none. */
export type Mark = Readonly<Required<Marks>>;

const NONE: Mark = Object.freeze({ confirmed: 0, permit: 0 });

/** The marks of every host. They only rise, and never past the head of its log. */
export class MarkTable {
  readonly #one;
  readonly #some;
  readonly #moved;
  readonly #newest;
  readonly #put;
  readonly #all;
  readonly #clear;

  constructor(db: Kysely<Schema>) {
    const marks = db.selectFrom('marks').selectAll();
    this.#one = query<{ host: string }, MarkRow>((at) => marks.where('host', '=', at('host')));
    this.#some = query<{ hosts: string }, MarkRow>((at) => marks.where('host', 'in', listed(at('hosts'))));
    this.#moved = query<{ moved: number }, { host: string }>((at) =>
      db.selectFrom('marks').select('host').where('moved', '>', at('moved')).orderBy('moved'),
    );
    this.#newest = query<object, { moved: number | null }>(() =>
      db.selectFrom('marks').select((of) => of.fn.max('moved').as('moved')),
    );
    this.#put = query<MarkRow>((at) =>
      upsert(db, 'marks', ['host'], {
        host: at('host'),
        confirmed: at('confirmed'),
        permit: at('permit'),
        moved: at('moved'),
        checksum: at('checksum'),
      }),
    );
    this.#all = query<object, MarkRow>(() => marks);
    this.#clear = query<object>(() => db.deleteFrom('marks'));
  }

  async find(session: Session, host: string): Promise<Mark> {
    const row = await session.first(this.#one, { host });
    return row === undefined ? NONE : markOf(row);
  }

  /** The same of several hosts, by host; who has none is left out. */
  async of(session: Session, hosts: readonly string[]): Promise<Map<string, Mark>> {
    const [host = ''] = hosts;
    const rows =
      hosts.length === 1
        ? await session.all(this.#one, { host })
        : await session.all(this.#some, { hosts: JSON.stringify(hosts) });
    return new Map(rows.map((row) => [row.host, markOf(row)]));
  }

  /** Raises marks of the host that a head is of; a mark is never lowered. Answers whether one rose. */
  async raise(session: Session, { host, rev }: Pick<Head, 'host' | 'rev'>, to: Marks): Promise<boolean> {
    const before = await this.find(session, host);
    const confirmed = Math.max(before.confirmed, Math.min(to.confirmed ?? 0, rev));
    const permit = Math.max(before.permit, Math.min(to.permit ?? 0, rev));
    if (confirmed === before.confirmed && permit === before.permit) return false;
    await this.#write(session, host, { confirmed, permit });
    return true;
  }

  /** Has the marks of a host told once more. */
  async repeat(session: Session, host: string): Promise<void> {
    await this.#write(session, host, await this.find(session, host));
  }

  /** A host that is forgotten begins anew. Its row stays: what was counted is not counted again. */
  async forget(session: Session, host: string): Promise<void> {
    if ((await session.first(this.#one, { host })) !== undefined) await this.#write(session, host, NONE);
  }

  /** How far marks were counted, and the hosts whose marks moved since they were counted so far. */
  async movedAfter(session: Session, moved: number): Promise<{ readonly moved: number; readonly hosts: string[] }> {
    const rows = await session.all(this.#moved, { moved });
    return { moved: await this.count(session), hosts: rows.map(({ host }) => host) };
  }

  /** Leaves out what does not prove itself: such a host is confirmed anew, and asks again for what its brake holds. Answers how many. */
  async mend(session: Session, anew: boolean): Promise<number> {
    const rows = await session.all(this.#all, {});
    const sound = rows.filter((row) => markSeal.fits(row));
    if (!anew && sound.length === rows.length) return 0;
    await session.run(this.#clear, {});
    for (const row of sound) await session.run(this.#put, row);
    return rows.length - sound.length;
  }

  async #write(session: Session, host: string, mark: Mark): Promise<void> {
    await session.run(this.#put, markSeal.put({ host, ...mark, moved: (await this.count(session)) + 1 }));
  }

  /** How far marks were counted. */
  async count(session: Session): Promise<number> {
    return (await session.first(this.#newest, {}))?.moved ?? 0;
  }
}

function markOf(row: MarkRow): Mark {
  const { confirmed, permit } = markSeal.require(row);
  return { confirmed, permit };
}
