import type { Kysely } from 'kysely';
import type { Selector } from '../../../protocol/spec.ts';
import { selectorText } from '../../model/claim.ts';
import { listed, upsert } from '../dialect.ts';
import { type Query, query } from '../query.ts';
import type { Schema, SetRow } from '../schema.ts';
import type { Session } from '../session.ts';
import { Seal } from './seal.ts';

const setSeal = new Seal<SetRow>('sets', ['name', 'set_name']);

/** Which redirects: all of it must be so. */
export interface Filter {
  readonly set?: string;
  /** Exactly this selector. */
  readonly hosts?: Selector;
  /** What the name begins with. */
  readonly prefix?: string;
}

interface Page {
  readonly after: string;
  readonly limit: number;
}

type Values = Page & Readonly<Record<'set' | 'hosts' | 'prefix' | 'end', string>>;
/** A redirect by name; of its set all is null where it is in none. */
type Joined = { readonly [Column in keyof SetRow]: Column extends 'name' ? string : string | null };

/** Which redirects are in which set, and the names of redirects by that and more. */
export class SetTable {
  readonly #one;
  readonly #between;
  readonly #put;
  readonly #drop;
  readonly #all;
  readonly #clear;
  readonly #orphans;
  readonly #sets;
  readonly #names: ReadonlyMap<string, Query<Values, Joined>>;

  constructor(db: Kysely<Schema>) {
    const sets = db.selectFrom('sets').selectAll();
    this.#one = query<{ name: string }, SetRow>((at) => sets.where('name', '=', at('name')));
    this.#between = query<{ first: string; last: string }, SetRow>((at) =>
      sets.where('name', '>=', at('first')).where('name', '<=', at('last')),
    );
    this.#all = query<object, SetRow>(() => sets);
    this.#put = query<SetRow>((at) =>
      upsert(db, 'sets', ['name'], { name: at('name'), set_name: at('set_name'), checksum: at('checksum') }),
    );
    this.#drop = query<{ names: string }>((at) => db.deleteFrom('sets').where('name', 'in', listed(at('names'))));
    this.#clear = query<object>(() => db.deleteFrom('sets'));
    this.#orphans = query<object>(() =>
      db.deleteFrom('sets').where('name', 'not in', (of) => of.selectFrom('specs').select('specs.name')),
    );
    this.#sets = query<Page, { name: string }>((at) =>
      db
        .selectFrom('sets')
        .innerJoin('specs', 'specs.name', 'sets.name')
        .select('sets.set_name as name')
        .distinct()
        .where('sets.set_name', '>', at('after'))
        .orderBy('sets.set_name')
        .limit(at('limit')),
    );
    this.#names = new Map(SHAPES.map((shape) => [shape, namesQuery(db, shape)]));
  }

  /** The set of a redirect. */
  async of(session: Session, name: string): Promise<string | undefined> {
    const row = await session.first(this.#one, { name });
    return row && setSeal.require(row).set_name;
  }

  /** The sets of all redirects from one name to another. */
  async between(session: Session, first: string, last: string): Promise<ReadonlyMap<string, string>> {
    const rows = await session.all(this.#between, { first, last });
    return new Map(rows.map((row) => [row.name, setSeal.require(row).set_name]));
  }

  /** Puts a redirect into a set; answers the one that it was in. */
  async put(session: Session, name: string, set: string): Promise<string | undefined> {
    const before = await this.of(session, name);
    if (before !== set) await session.run(this.#put, setSeal.put({ name, set_name: set }));
    return before;
  }

  async drop(session: Session, names: readonly string[]): Promise<void> {
    await session.run(this.#drop, { names: JSON.stringify(names) });
  }

  /** The names of sets that have redirects, in order. */
  async sets(session: Session, { after, limit }: Page): Promise<readonly string[]> {
    return (await session.all(this.#sets, { after, limit })).map(({ name }) => name);
  }

  /** Redirects by name, each with its set. */
  async names(
    session: Session,
    { set, hosts, prefix = '' }: Filter,
    { after, limit }: Page,
  ): Promise<readonly Named[]> {
    const names = this.#names.get(shapeOf(set !== undefined, hosts !== undefined));
    if (names === undefined) throw new TypeError('no such filter');
    const text = hosts === undefined ? '' : selectorText(hosts);
    const end = `${prefix}\x7f`; // names are of ASCII
    const rows = await session.all(names, { set: set ?? '', hosts: text, after, prefix, end, limit });
    return rows.map(named);
  }

  /** Forgets redirects that are gone: a release that knows no checksums deletes them and says nothing. */
  async dropOrphans(session: Session): Promise<void> {
    await session.run(this.#orphans, {});
  }

  /** Takes out what does not prove itself, so that nothing is deleted for being in a set; answers how many that were. */
  async mend(session: Session, anew: boolean): Promise<number> {
    const rows = await session.all(this.#all, {});
    const sound = rows.filter((row) => setSeal.fits(row));
    if (!anew && sound.length === rows.length) return 0;
    await session.run(this.#clear, {});
    for (const row of sound) await session.run(this.#put, row);
    return rows.length - sound.length;
  }
}

export interface Named {
  readonly name: string;
  readonly set: string | undefined;
}

function named({ name, set_name, checksum }: Joined): Named {
  return { name, set: set_name === null ? undefined : setSeal.require({ name, set_name, checksum }).set_name };
}

/** The queries that there are, by what they look for. */
const SHAPES = [shapeOf(false, false), shapeOf(true, false), shapeOf(false, true), shapeOf(true, true)];

function shapeOf(set: boolean, hosts: boolean): string {
  return [set && 'set', hosts && 'hosts'].filter(Boolean).join('+');
}

function namesQuery(db: Kysely<Schema>, shape: string): Query<Values, Joined> {
  return query((at) =>
    db
      .selectFrom('specs')
      .leftJoin('sets', 'sets.name', 'specs.name')
      .select(['specs.name as name', 'sets.set_name as set_name', 'sets.checksum as checksum'])
      .where('specs.name', '>', at('after'))
      .where('specs.name', '>=', at('prefix'))
      .where('specs.name', '<', at('end'))
      .$if(shape.includes('set'), (of) => of.where('sets.set_name', '=', at('set')))
      .$if(shape.includes('hosts'), (of) => of.where('specs.hosts', '=', at('hosts')))
      .orderBy('specs.name')
      .limit(at('limit')),
  );
}
