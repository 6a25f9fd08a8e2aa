import type { Kysely } from 'kysely';
import type { JsonObject } from '../../../protocol/json.ts';
import { parseStoredSpec, type Spec, specToJson } from '../../../protocol/spec.ts';
import { type Claim, claimOf, needsOf } from '../../model/claim.ts';
import { listed, upsert, upTo } from '../dialect.ts';
import { query } from '../query.ts';
import type { RolloutKeyRow, RolloutNameRow, RolloutSpecRow, Schema } from '../schema.ts';
import type { Session } from '../session.ts';
import { Seal } from './seal.ts';

export const rolloutSpecSeal = new Seal<RolloutSpecRow>('rollout_specs', [
  'rollout',
  'name',
  'before',
  'after',
  'before_key',
  'after_key',
  'claim',
]);

/** A redirect that a rollout changes: as it was, and as it is to be; undefined where it is not there. */
export interface RolloutSpec {
  readonly name: string;
  readonly before: Spec | undefined;
  readonly after: Spec | undefined;
}

/** A redirect of a rollout that is under way, as its hosts see it. */
export interface Candidate {
  readonly rollout: string;
  readonly name: string;
  /** Undefined where it is to go. */
  readonly claim: Claim | undefined;
}

interface Page {
  readonly after: string;
  readonly upTo: string;
}

/** What rollouts are about, and what those that are under way hold: no two of them the same name or key. */
export class RolloutSpecTable {
  readonly #of;
  readonly #atKey;
  readonly #between;
  readonly #insert;
  readonly #put;
  readonly #all;
  readonly #drop;
  readonly #holdName;
  readonly #holdKey;
  readonly #held;
  readonly #holderOfName;
  readonly #holderOfKey;
  readonly #holdersOfKeys;
  readonly #freeNames;
  readonly #freeKeys;
  readonly #allNames;
  readonly #allKeys;
  readonly #clears;
  readonly #keysOn;

  constructor(db: Kysely<Schema>) {
    const specs = db.selectFrom('rollout_specs').selectAll('rollout_specs');
    const held = specs.innerJoin('rollout_names', (on) =>
      on
        .onRef('rollout_names.name', '=', 'rollout_specs.name')
        .onRef('rollout_names.rollout', '=', 'rollout_specs.rollout'),
    );
    this.#of = query<{ rollout: string }, RolloutSpecRow>((at) =>
      specs.where('rollout', '=', at('rollout')).orderBy('name'),
    );
    this.#atKey = query<{ rollout: string; key: string }, RolloutSpecRow>((at) =>
      specs.where('after_key', '=', at('key')).where('rollout', '=', at('rollout')),
    );
    this.#between = query<Page, RolloutSpecRow>((at) =>
      held
        .where('rollout_names.name', '>', at('after'))
        .where('rollout_names.name', '<=', at('upTo'))
        .orderBy('rollout_names.name'),
    );
    this.#insert = query<RolloutSpecRow>((at) => db.insertInto('rollout_specs').values(rowOf(at)));
    this.#put = query<RolloutSpecRow>((at) => upsert(db, 'rollout_specs', ['rollout', 'name'], rowOf(at)));
    this.#all = query<object, RolloutSpecRow>(() => specs);
    this.#drop = query<{ rollout: string }>((at) =>
      db.deleteFrom('rollout_specs').where('rollout', '=', at('rollout')),
    );
    this.#holdName = query<RolloutNameRow>((at) =>
      db.insertInto('rollout_names').values({ name: at('name'), rollout: at('rollout') }),
    );
    this.#holdKey = query<RolloutKeyRow>((at) =>
      db.insertInto('rollout_keys').values({ key: at('key'), rollout: at('rollout') }),
    );
    this.#held = query<object, { name: string }>(() => db.selectFrom('rollout_names').select('name').limit(upTo(1)));
    this.#holderOfName = query<{ name: string }, RolloutNameRow>((at) =>
      db.selectFrom('rollout_names').selectAll().where('name', '=', at('name')),
    );
    this.#holderOfKey = query<{ key: string }, RolloutKeyRow>((at) =>
      db.selectFrom('rollout_keys').selectAll().where('key', '=', at('key')),
    );
    this.#holdersOfKeys = query<{ keys: string }, RolloutKeyRow>((at) =>
      db
        .selectFrom('rollout_keys')
        .selectAll()
        .where('key', 'in', listed(at('keys'))),
    );
    this.#keysOn = query<{ rollout: string; host: string; limit: number }, { key: string }>((at) =>
      db
        .selectFrom('changes')
        .innerJoin('rollout_keys', 'rollout_keys.key', 'changes.key')
        .select('changes.key')
        .where('changes.host', '=', at('host'))
        .where('changes.op', '=', 'put')
        .where('rollout_keys.rollout', '=', at('rollout'))
        .orderBy('changes.key')
        .limit(at('limit')),
    );
    this.#allNames = query<object, RolloutNameRow>(() => db.selectFrom('rollout_names').selectAll());
    this.#allKeys = query<object, RolloutKeyRow>(() => db.selectFrom('rollout_keys').selectAll());
    this.#clears = (['rollout_specs', 'rollout_names', 'rollout_keys'] as const).map((table) =>
      query<object>(() => db.deleteFrom(table)),
    );
    this.#freeNames = query<{ rollout: string }>((at) =>
      db.deleteFrom('rollout_names').where('rollout', '=', at('rollout')),
    );
    this.#freeKeys = query<{ rollout: string }>((at) =>
      db.deleteFrom('rollout_keys').where('rollout', '=', at('rollout')),
    );
  }

  /** By name. */
  async of(session: Session, rollout: string): Promise<RolloutSpec[]> {
    return (await session.all(this.#of, { rollout })).map(specOf);
  }

  /** What a rollout that is under way brings to a key. */
  async atKey(session: Session, rollout: string, key: string): Promise<Candidate[]> {
    return (await session.all(this.#atKey, { rollout, key })).map(candidateOf);
  }

  /** What all that are under way bring, by the names from one on to another. */
  async candidates(session: Session, after: string, upTo: string): Promise<Candidate[]> {
    return (await session.all(this.#between, { after, upTo })).map(candidateOf);
  }

  /** Keeps what a rollout is about, and has it hold its names and keys. They have to be free. */
  async begin(session: Session, rollout: string, specs: Iterable<RolloutSpec>): Promise<void> {
    const keys = new Set<string>();
    for (const spec of specs) {
      const row = rowFrom(rollout, spec);
      await session.run(this.#insert, row);
      await session.run(this.#holdName, { name: row.name, rollout });
      for (const key of [row.before_key, row.after_key]) if (key !== null) keys.add(key);
    }
    for (const key of keys) await session.run(this.#holdKey, { key, rollout });
  }

  /** Keeps what one was about that has ended already. */
  async keep(session: Session, rollout: string, specs: Iterable<RolloutSpec>): Promise<void> {
    for (const spec of specs) await session.run(this.#insert, rowFrom(rollout, spec));
  }

  /** Whether any rollout is under way. */
  async holdsAny(session: Session): Promise<boolean> {
    return (await session.first(this.#held, {})) !== undefined;
  }

  /** The rollout that holds a name. */
  async holderOfName(session: Session, name: string): Promise<string | undefined> {
    return (await session.first(this.#holderOfName, { name }))?.rollout;
  }

  /** The rollout that holds a key. */
  async holderOfKey(session: Session, key: string): Promise<string | undefined> {
    return (await session.first(this.#holderOfKey, { key }))?.rollout;
  }

  /** The rollouts that hold some of these keys, which are a JSON list. */
  holdersOfKeys(session: Session, keys: string): Promise<Pick<RolloutKeyRow, 'key' | 'rollout'>[]> {
    return session.all(this.#holdersOfKeys, { keys });
  }

  /** Those of the keys that a rollout holds under which a host is to have a redirect, so many at most. */
  async keysOn(session: Session, rollout: string, host: string, limit: number): Promise<string[]> {
    return (await session.all(this.#keysOn, { rollout, host, limit })).map(({ key }) => key);
  }

  /** Its names and keys are everybody's again. */
  async free(session: Session, rollout: string): Promise<void> {
    await session.run(this.#freeNames, { rollout });
    await session.run(this.#freeKeys, { rollout });
  }

  async drop(session: Session, rollout: string): Promise<void> {
    await this.free(session, rollout);
    await session.run(this.#drop, { rollout });
  }

  /** All that is held, and by whom. */
  async holds(session: Session) {
    const [names, keys] = [await session.all(this.#allNames, {}), await session.all(this.#allKeys, {})];
    return {
      names: names.map(({ name, rollout }) => [name, rollout] as const),
      keys: keys.map(({ key, rollout }) => [key, rollout] as const),
    };
  }

  /** Of what it is about and what is held. */
  async clear(session: Session): Promise<void> {
    for (const clear of this.#clears) await session.run(clear, {});
  }

  /** Every row, damaged or not, as the table has them. */
  scan(session: Session): Promise<RolloutSpecRow[]> {
    return session.all(this.#all, {});
  }

  async putRow(session: Session, row: RolloutSpecRow, holds: boolean): Promise<void> {
    await session.run(this.#put, row);
    if (!holds) return;
    const { rollout, name } = row;
    if ((await this.holderOfName(session, name)) === undefined) await session.run(this.#holdName, { name, rollout });
    for (const key of [row.before_key, row.after_key])
      if (key !== null && (await this.holderOfKey(session, key)) === undefined)
        await session.run(this.#holdKey, { key, rollout });
  }
}

function rowOf(at: <Name extends keyof RolloutSpecRow>(name: Name) => RolloutSpecRow[Name]): RolloutSpecRow {
  return {
    rollout: at('rollout'),
    name: at('name'),
    before: at('before'),
    after: at('after'),
    before_key: at('before_key'),
    after_key: at('after_key'),
    claim: at('claim'),
    checksum: at('checksum'),
  };
}

type StoredClaim = Omit<Claim, 'needs' | 'onlyOn' | 'notOn'>;

function rowFrom(rollout: string, { name, before, after }: RolloutSpec): RolloutSpecRow {
  const claim = after && claimOf(after);
  const stored: StoredClaim | undefined = claim && {
    name: claim.name,
    key: claim.key,
    hosts: claim.hosts,
    enabled: claim.enabled,
    priority: claim.priority,
    body: claim.body,
  };
  return rolloutSpecSeal.put({
    rollout,
    name,
    before: textOf(before),
    after: textOf(after),
    before_key: before === undefined ? null : claimOf(before).key,
    after_key: claim?.key ?? null,
    claim: stored === undefined ? null : JSON.stringify(stored),
  });
}

function textOf(spec: Spec | undefined): string | null {
  return spec === undefined ? null : JSON.stringify(specToJson(spec));
}

function specOf(row: RolloutSpecRow): RolloutSpec {
  const { name, before, after } = rolloutSpecSeal.require(row);
  return { name, before: parsed(before), after: parsed(after) };
}

function parsed(text: string | null): Spec | undefined {
  return text === null ? undefined : parseStoredSpec(JSON.parse(text) as JsonObject);
}

function candidateOf(row: RolloutSpecRow): Candidate {
  const { rollout, name, claim } = rolloutSpecSeal.require(row);
  const stored = claim === null ? undefined : (JSON.parse(claim) as StoredClaim);
  return { rollout, name, claim: stored && { ...stored, needs: needsOf(stored.body) } };
}
