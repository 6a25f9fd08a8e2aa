import type { Kysely } from 'kysely';
import { isObject, type JsonObject } from '../../../protocol/json.ts';
import { type Selector, type Spec, specToJson } from '../../../protocol/spec.ts';
import { ABILITIES, type Claim, claimOf, needsOf, selectorText } from '../../model/claim.ts';
import { upsert } from '../dialect.ts';
import { query } from '../query.ts';
import type { Schema, SpecRow } from '../schema.ts';
import type { Session } from '../session.ts';

/** A spec as it is listed. */
export interface StoredSpec {
  readonly claim: Claim;
  readonly json: JsonObject;
}

/** Redirects that have the same selector and need the same of an agent. */
export interface Demand {
  readonly hosts: Selector;
  readonly needs: readonly string[];
  readonly redirects: number;
}

type DemandRow = Pick<SpecRow, 'hosts'> & { readonly redirects: number } & Readonly<
    Record<(typeof ABILITIES)[number], number>
  >;

/** The specs, by name and by key. */
export class SpecTable {
  readonly #byName;
  readonly #byKey;
  readonly #keysAfter;
  readonly #namesAfter;
  readonly #claimsAfter;
  readonly #demands;
  readonly #put;
  readonly #delete;

  constructor(db: Kysely<Schema>) {
    const specs = db.selectFrom('specs').selectAll();
    this.#byName = query<{ name: string }, SpecRow>((at) => specs.where('name', '=', at('name')));
    this.#byKey = query<{ key: string }, SpecRow>((at) => specs.where('key', '=', at('key')));
    this.#keysAfter = query<{ after: string; limit: number }, { key: string }>((at) =>
      db.selectFrom('specs').select('key').distinct().where('key', '>', at('after')).orderBy('key').limit(at('limit')),
    );
    this.#namesAfter = query<{ after: string; limit: number }, SpecRow>((at) =>
      specs.where('name', '>', at('after')).orderBy('name').limit(at('limit')),
    );
    this.#claimsAfter = query<{ after: string; limit: number }, Omit<SpecRow, 'spec'>>((at) =>
      db
        .selectFrom('specs')
        .select(['name', 'key', 'hosts', 'enabled', 'priority', 'body'])
        .where('name', '>', at('after'))
        .orderBy('name')
        .limit(at('limit')),
    );
    this.#demands = query<object, DemandRow>(() =>
      db
        .selectFrom('specs')
        .select((of) => [
          'hosts',
          of.fn.countAll<number>().as('redirects'),
          ...ABILITIES.map((word) => of.case().when('body', 'like', askFor(word)).then(1).else(0).end().as(word)),
        ])
        .where('enabled', '=', 1)
        .where((either) => either.or(ABILITIES.map((word) => either('body', 'like', askFor(word)))))
        .groupBy(['hosts', ...ABILITIES]),
    );
    this.#put = query<SpecRow>((at) => upsert(db, 'specs', ['name'], rowOf(at)));
    this.#delete = query<{ name: string }>((at) => db.deleteFrom('specs').where('name', '=', at('name')));
  }

  async find(session: Session, name: string): Promise<StoredSpec | undefined> {
    const row = await session.first(this.#byName, { name });
    return row && specOf(row);
  }

  /** Every claim to each of some keys. */
  async claimsTo(session: Session, keys: Iterable<string>): Promise<Map<string, Claim[]>> {
    const claims = new Map<string, Claim[]>();
    for (const key of keys) claims.set(key, (await session.all(this.#byKey, { key })).map(claimFrom));
    return claims;
  }

  /** The distinct keys that specs claim, in order, from after `after` on. */
  async keys(session: Session, after: string, limit: number): Promise<string[]> {
    return (await session.all(this.#keysAfter, { after, limit })).map((row) => row.key);
  }

  async list(session: Session, after: string, limit: number): Promise<StoredSpec[]> {
    return (await session.all(this.#namesAfter, { after, limit })).map(specOf);
  }

  /** Claims by name, without their bodies. */
  async claims(session: Session, after: string, limit: number): Promise<Claim[]> {
    return (await session.all(this.#claimsAfter, { after, limit })).map((row) => ({ ...claimFrom(row), body: '' }));
  }

  /** How many enabled redirects ask something of agents that not every one can do, by their selectors. */
  async demands(session: Session): Promise<Demand[]> {
    const rows = await session.all(this.#demands, {});
    return rows.map((row) => ({
      hosts: JSON.parse(row.hosts) as Selector,
      needs: ABILITIES.filter((word) => row[word] === 1),
      redirects: row.redirects,
    }));
  }

  /**
   * Stores a spec under its name. Answers its claim before and after, or `undefined` when it was there, word for word.
   */
  async put(session: Session, spec: Spec): Promise<{ before: Claim | undefined; after: Claim } | undefined> {
    const before = await session.first(this.#byName, { name: spec.name });
    const text = JSON.stringify(specToJson(spec));
    if (before?.spec === text) return undefined;
    const after = claimOf(spec);
    await session.run(this.#put, {
      ...after,
      hosts: selectorText(after.hosts),
      enabled: after.enabled ? 1 : 0,
      spec: text,
    });
    return { before: before && claimFrom(before), after };
  }

  /** Answers the claim that went, or `undefined` when there was none of that name. */
  async delete(session: Session, name: string): Promise<Claim | undefined> {
    const before = await session.first(this.#byName, { name });
    if (before === undefined) return undefined;
    await session.run(this.#delete, { name });
    return claimFrom(before);
  }
}

function rowOf(at: <Name extends keyof SpecRow>(name: Name) => SpecRow[Name]): SpecRow {
  return {
    name: at('name'),
    key: at('key'),
    hosts: at('hosts'),
    enabled: at('enabled'),
    priority: at('priority'),
    body: at('body'),
    spec: at('spec'),
  };
}

/** In a body, that an option is there; see `needsOf`. */
function askFor(word: string): string {
  return `%"${word}":%`;
}

function claimFrom(row: Omit<SpecRow, 'spec'>): Claim {
  const { name, key, priority, body } = row;
  const hosts = JSON.parse(row.hosts) as Selector;
  return { name, key, hosts, enabled: row.enabled === 1, priority, body, needs: needsOf(body) };
}

function specOf(row: SpecRow): StoredSpec {
  const json: unknown = JSON.parse(row.spec);
  if (!isObject(json)) throw new TypeError(`the stored spec ${row.name} is no object`);
  return { claim: claimFrom(row), json };
}
