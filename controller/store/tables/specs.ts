import type { Kysely } from 'kysely';
import { isObject, type JsonObject } from '../../../protocol/json.ts';
import { nearest } from '../../../protocol/near.ts';
import type { Selector } from '../../../protocol/spec.ts';
import { ABILITIES, type Claim } from '../../model/claim.ts';
import { listed, upsert } from '../dialect.ts';
import { query } from '../query.ts';
import type { Schema, SpecRow } from '../schema.ts';
import type { Session } from '../session.ts';
import { Overlay } from './overlay.ts';
import type { RolloutHostTable } from './rollout-hosts.ts';
import type { RolloutSpecTable } from './rollout-specs.ts';
import { claimFrom, specSeal } from './spec-row.ts';
import type { Moved, SumTable } from './sums.ts';

/** The names that are looked at for one that is near: one glance at a table of any size. */
const MAX_CANDIDATES = 10_000;

/** After every name: these are of ASCII. */
const LAST_NAME = '\x7f';

/** A spec as it is listed. */
export interface StoredSpec {
  readonly claim: Claim;
  readonly json: JsonObject;
}

/** What a spec claims that was stored, and what stood under its name; `same` where that was it, word for word. */
export interface StoredClaim {
  readonly before: Claim | undefined;
  readonly after: Claim;
  readonly same: boolean;
}

/** Redirects that have the same selector and need the same of an agent. */
export interface Demand {
  readonly hosts: Selector;
  readonly needs: readonly string[];
  readonly redirects: number;
}

/** What rollouts bring, and where. */
interface Rollouts {
  readonly specs: RolloutSpecTable;
  readonly hosts: RolloutHostTable;
}

type DemandRow = Pick<SpecRow, 'hosts'> & { readonly redirects: number } & Readonly<
    Record<(typeof ABILITIES)[number], number>
  >;

/** The specs, by name and by key. */
export class SpecTable {
  readonly #byName;
  readonly #byNames;
  readonly #byKey;
  readonly #byKeys;
  readonly #keysAfter;
  readonly #namesAfter;
  readonly #namesLike;
  readonly #demands;
  readonly #all;
  readonly #put;
  readonly #blank;
  readonly #delete;
  readonly #clear;
  readonly #sums: SumTable;
  readonly #rollouts: Rollouts;

  constructor(db: Kysely<Schema>, sums: SumTable, rollouts: Rollouts) {
    this.#sums = sums;
    this.#rollouts = rollouts;
    const specs = db.selectFrom('specs').selectAll();
    this.#byName = query<{ name: string }, SpecRow>((at) => specs.where('name', '=', at('name')));
    this.#byNames = query<{ names: string }, SpecRow>((at) => specs.where('name', 'in', listed(at('names'))));
    this.#byKey = query<{ key: string }, SpecRow>((at) => specs.where('key', '=', at('key')));
    this.#byKeys = query<{ keys: string }, SpecRow>((at) => specs.where('key', 'in', listed(at('keys'))));
    this.#keysAfter = query<{ after: string; limit: number }, { key: string }>((at) =>
      db
        .selectFrom('specs')
        .select('key')
        .where('key', '>', at('after'))
        .union(db.selectFrom('rollout_keys').select('key').where('key', '>', at('after')))
        .orderBy('key')
        .limit(at('limit')),
    );
    this.#namesAfter = query<{ after: string; limit: number }, SpecRow>((at) =>
      specs.where('name', '>', at('after')).orderBy('name').limit(at('limit')),
    );
    this.#namesLike = query<{ head: string; middle: string; tail: string }, { name: string }>((at) =>
      db
        .selectFrom('specs')
        .select('name')
        .where((of) => of.or((['head', 'middle', 'tail'] as const).map((part) => of('name', 'like', at(part)))))
        .limit(MAX_CANDIDATES),
    );
    // Every column: no index has them all, so the table itself is read.
    this.#all = query<object, SpecRow>(() => specs);
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
    this.#blank = query<{ names: string }>((at) =>
      db
        .updateTable('specs')
        .set({ checksum: '' })
        .where('name', 'in', listed(at('names'))),
    );
    this.#delete = query<{ names: string }>((at) => db.deleteFrom('specs').where('name', 'in', listed(at('names'))));
    this.#clear = query<object>(() => db.deleteFrom('specs'));
  }

  async find(session: Session, name: string): Promise<StoredSpec | undefined> {
    const row = await session.first(this.#byName, { name });
    return row && specOf(row);
  }

  /** The name that was probably meant by one that is not there. Two edits leave one of three parts as it is. */
  async near(session: Session, name: string): Promise<string | undefined> {
    const size = Math.ceil(name.length / 3);
    const [head = '', middle = '', tail = ''] = [0, 1, 2].map((at) => `%${name.slice(at * size, (at + 1) * size)}%`);
    const candidates = await session.all(this.#namesLike, { head, middle, tail });
    return nearest(
      name,
      candidates.map((row) => row.name),
    );
  }

  /** Every claim to each of some keys, those of rollouts that are under way among them. */
  async claimsTo(session: Session, keys: Iterable<string>): Promise<Map<string, Claim[]>> {
    const claims = new Map(Iterator.from(keys).map((key) => [key, [] as Claim[]]));
    const these = JSON.stringify([...claims.keys()]);
    for (const row of await this.#atKeys(session, [...claims.keys()], these))
      claims.get(row.key)?.push(soundClaim(row));
    const overlay = this.#overlay(session);
    for (const { key, rollout } of await this.#rollouts.specs.holdersOfKeys(session, these))
      claims.set(key, await overlay.atKey(rollout, key, claims.get(key) ?? []));
    return claims;
  }

  async #named(session: Session, names: readonly string[]): Promise<SpecRow[]> {
    const [name = ''] = names;
    const rows =
      names.length === 1
        ? await session.all(this.#byName, { name })
        : await session.all(this.#byNames, { names: JSON.stringify(names) });
    return rows.map((row) => specSeal.require(row));
  }

  /** `these` are the keys as a JSON list. */
  #atKeys(session: Session, keys: readonly string[], these: string): Promise<SpecRow[]> {
    const [key = ''] = keys;
    return keys.length === 1 ? session.all(this.#byKey, { key }) : session.all(this.#byKeys, { keys: these });
  }

  #overlay(session: Session): Overlay {
    return new Overlay(session, this.#rollouts.specs, this.#rollouts.hosts);
  }

  /** The distinct keys that specs and rollouts claim, in order, from after `after` on. */
  async keys(session: Session, after: string, limit: number): Promise<string[]> {
    return (await session.all(this.#keysAfter, { after, limit })).map((row) => row.key);
  }

  async list(session: Session, after: string, limit: number): Promise<StoredSpec[]> {
    return (await session.all(this.#namesAfter, { after, limit })).map(specOf);
  }

  /** Claims by name, those of rollouts that are under way among them: of so many names, and those of rollouts that are between. */
  async claims(session: Session, after: string, limit: number): Promise<Claim[]> {
    const overlay = this.#overlay(session);
    const rows = await session.all(this.#namesAfter, { after, limit });
    const upTo = rows.length < limit ? LAST_NAME : (rows.at(-1)?.name ?? LAST_NAME);
    const brought = await this.#rollouts.specs.candidates(session, after, upTo);
    const claims = [...(await overlay.whereNotReached(rows.map(soundClaim))), ...(await overlay.whereReached(brought))];
    return brought.length === 0 ? claims : claims.sort((a, b) => (a.name < b.name ? -1 : 1));
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

  /** Every row, damaged or not, as the table has them. */
  scan(session: Session): Iterable<SpecRow> {
    return session.each(this.#all, {});
  }

  /**
   * Stores specs, each under its name, which none shares with another. While specs are missing (`found`), one that comes is
   * taken for one of them, and not counted.
   */
  async put(session: Session, rows: readonly SpecRow[], found: boolean): Promise<StoredClaim[]> {
    const stand = await this.#named(
      session,
      rows.map(({ name }) => name),
    );
    const known = new Map(stand.map((row) => [row.name, row]));
    const moved: Moved[] = [];
    const stored: StoredClaim[] = [];
    for (const row of rows) {
      const before = known.get(row.name);
      const after = claimFrom(row);
      const same = before?.spec === row.spec;
      stored.push({ before: same ? after : before && claimFrom(before), after, same });
      if (same) continue;
      await session.run(this.#put, row);
      if (before !== undefined || !found) moved.push({ was: before?.checksum, is: row.checksum });
    }
    await this.#sums.move(session, 'specs', moved);
    return stored;
  }

  /** Answers the claims that went, by name; of a name that there was not there is none. */
  async delete(session: Session, names: readonly string[]): Promise<ReadonlyMap<string, Claim>> {
    const these = { names: JSON.stringify(names) };
    const before = await this.#named(session, names);
    if (before.length === 0) return new Map();
    await session.run(this.#blank, these);
    await session.run(this.#delete, these);
    await this.#sums.move(
      session,
      'specs',
      before.map(({ checksum }) => ({ was: checksum, is: undefined })),
    );
    return new Map(before.map((row) => [row.name, claimFrom(row)]));
  }

  /** Makes the table what the rows say, whatever is in it: damage to keys or their order goes, too. */
  async layAnew(session: Session, rows: readonly SpecRow[]): Promise<void> {
    await session.run(this.#clear, {});
    for (const row of rows) await session.run(this.#put, row);
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
    checksum: at('checksum'),
  };
}

/** In a body, that an option is there; see `needsOf`. */
export function askFor(word: string): string {
  return `%"${word}":%`;
}

function soundClaim(row: SpecRow): Claim {
  return claimFrom(specSeal.require(row));
}

function specOf(row: SpecRow): StoredSpec {
  const json: unknown = JSON.parse(specSeal.require(row).spec);
  if (!isObject(json)) throw new TypeError(`the stored spec ${row.name} is no object`);
  return { claim: soundClaim(row), json };
}
