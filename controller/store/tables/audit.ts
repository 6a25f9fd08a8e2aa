import type { Kysely } from 'kysely';
import type { What } from '../../../protocol/history.ts';
import type { Confirm } from '../../../protocol/intent.ts';
import type { Origin } from '../../../protocol/origin.ts';
import { upsert } from '../dialect.ts';
import { query } from '../query.ts';
import type { AuditHostRow, AuditNameRow, AuditRow, Schema } from '../schema.ts';
import type { Session } from '../session.ts';

/** A change as it is noted, in the transaction that makes it. */
export interface NewAudit {
  readonly atMs: number;
  readonly verb: string;
  readonly detail: object;
  readonly change: string;
  readonly origin: Origin;
  /** The revs that it gave, both included; the last is less than the first where it gave none. */
  readonly revs: { readonly first: number; readonly last: number };
  readonly hosts: Iterable<Pick<AuditHostRow, 'host' | 'rev'>>;
  /** How many redirects it is about; each is noted by `name`. */
  readonly names: number;
  /** The rollout that it is a step of. */
  readonly rollout?: string | undefined;
}

/** A change as it was noted. */
export interface Audit {
  readonly id: number;
  readonly change: string;
  readonly atMs: number;
  readonly verb: string;
  readonly origin: Origin;
  /** Within which time its hosts were to have it confirmed. */
  readonly confirm?: Confirm;
  readonly revs: { readonly first: number; readonly last: number };
  readonly hosts: number;
  readonly names: number;
  readonly rollout?: string;
}

/** A change, and what it did to one redirect. */
export interface AuditOf extends Audit {
  readonly key: string;
  readonly what: What;
}

/** How many rows a change takes, in all tables. */
interface Size {
  readonly id: number;
  readonly at_ms: number;
  readonly hosts: number | null;
  readonly names: number | null;
}

type Row = Required<Omit<AuditRow, 'id'>> & { readonly id: number };
type Insert = Omit<Row, 'id'>;
type DeedRow = Row & Pick<AuditNameRow, 'key' | 'what'>;

/** Greater than every character of an id. */
const PAST = '~';

/** Who changed what, from where and why, and which hosts got it. */
export class AuditTable {
  readonly #insert;
  readonly #insertHost;
  readonly #insertName;
  readonly #byChange;
  readonly #byPrefix;
  readonly #before;
  readonly #deeds;
  readonly #hosts;
  readonly #deed;
  readonly #forget;
  readonly #sizes;
  readonly #drops;

  constructor(db: Kysely<Schema>) {
    const audits = db.selectFrom('audit').selectAll('audit');
    this.#insert = query<Insert, { id: number }>((at) => db.insertInto('audit').values(rowOf(at)).returning('id'));
    this.#insertHost = query<AuditHostRow>((at) =>
      upsert(db, 'audit_hosts', ['audit', 'host'], { audit: at('audit'), host: at('host'), rev: at('rev') }),
    );
    this.#insertName = query<AuditNameRow>((at) =>
      upsert(db, 'audit_names', ['audit', 'name'], {
        audit: at('audit'),
        name: at('name'),
        key: at('key'),
        what: at('what'),
        hosts: at('hosts'),
      }),
    );
    this.#byChange = query<{ change: string }, Row>((at) => audits.where('change', '=', at('change')));
    this.#byPrefix = query<{ from: string; to: string; limit: number }, Row>((at) =>
      audits.where('change', '>=', at('from')).where('change', '<', at('to')).orderBy('change').limit(at('limit')),
    );
    this.#before = query<{ id: number; limit: number }, Row>((at) =>
      audits.where('id', '<', at('id')).where('change', 'is not', null).orderBy('id', 'desc').limit(at('limit')),
    );
    this.#deeds = query<{ name: string; id: number; limit: number }, DeedRow>((at) =>
      audits
        .innerJoin('audit_names', 'audit_names.audit', 'audit.id')
        .select(['audit_names.key', 'audit_names.what'])
        .where('audit_names.name', '=', at('name'))
        .where('audit_names.audit', '<', at('id'))
        .orderBy('audit_names.audit', 'desc')
        .limit(at('limit')),
    );
    this.#hosts = query<{ audit: number }, Pick<AuditHostRow, 'host' | 'rev'>>((at) =>
      db.selectFrom('audit_hosts').select(['host', 'rev']).where('audit', '=', at('audit')),
    );
    this.#deed = query<{ name: string; audit: number }, DeedRow & { readonly stood: number }>((at) =>
      audits
        .innerJoin('audit_names', 'audit_names.audit', 'audit.id')
        .select(['audit_names.key', 'audit_names.what', 'audit_names.hosts as stood'])
        .where('audit_names.audit', '=', at('audit'))
        .where('audit_names.name', '=', at('name')),
    );
    this.#sizes = query<object, Size>(() =>
      db.selectFrom('audit').select(['id', 'at_ms', 'hosts', 'names']).orderBy('id', 'desc'),
    );
    this.#drops = [
      query<{ audit: number }>((at) => db.deleteFrom('audit_hosts').where('audit', '=', at('audit'))),
      query<{ audit: number }>((at) => db.deleteFrom('audit_names').where('audit', '=', at('audit'))),
      query<{ audit: number }>((at) => db.deleteFrom('audit').where('id', '=', at('audit'))),
    ] as const;
    this.#forget = query<{ host: string }>((at) => db.deleteFrom('audit_hosts').where('host', '=', at('host')));
  }

  /** Notes a change; answers the number of its row. */
  async note(session: Session, { hosts, names, ...audit }: NewAudit): Promise<number> {
    const theirs = [...hosts];
    const row = await session.first(this.#insert, insertOf(audit, theirs.length, names));
    if (row === undefined) throw new TypeError('a row of the audit has no number');
    for (const { host, rev } of theirs) await session.run(this.#insertHost, { audit: row.id, host, rev });
    return row.id;
  }

  /** Notes what a change did to a redirect. */
  async name(session: Session, audit: number, name: Omit<AuditNameRow, 'audit'>): Promise<void> {
    await session.run(this.#insertName, { audit, ...name });
  }

  /** Whether a change has this id. */
  async has(session: Session, change: string): Promise<boolean> {
    return (await session.first(this.#byChange, { change })) !== undefined;
  }

  /** The changes whose ids begin like this, at most `limit`; one of exactly this id is the only one. */
  async startingWith(session: Session, prefix: string, limit: number): Promise<Audit[]> {
    const exact = await session.first(this.#byChange, { change: prefix });
    if (exact !== undefined) return [auditOf(exact)];
    return (await session.all(this.#byPrefix, { from: prefix, to: prefix + PAST, limit })).map(auditOf);
  }

  /** The changes before one, the newest first. */
  async before(session: Session, id: number, limit: number): Promise<Audit[]> {
    return (await session.all(this.#before, { id, limit })).map(auditOf);
  }

  /** The number of the newest change; 0 where there is none. */
  async newest(session: Session): Promise<number> {
    return (await this.before(session, Number.MAX_SAFE_INTEGER, 1))[0]?.id ?? 0;
  }

  /** What changes before one did to a redirect, the newest first. */
  async deedsTo(session: Session, name: string, id: number, limit: number): Promise<AuditOf[]> {
    const rows = await session.all(this.#deeds, { name, id, limit });
    return rows.map((row) => ({ ...auditOf(row), key: row.key, what: row.what }));
  }

  /** What one change did to a redirect, and of one that it deleted, on how many hosts that stood. */
  async deedIn(
    session: Session,
    audit: number,
    name: string,
  ): Promise<(AuditOf & { readonly stood: number }) | undefined> {
    const row = await session.first(this.#deed, { audit, name });
    return row && { ...auditOf(row), key: row.key, what: row.what, stood: row.stood };
  }

  /** The changes that are older than `atMs`, or that there is no room for, the oldest first; the newest is kept. */
  tooOld(session: Session, atMs: number, roomRows: number): number[] {
    const ids: number[] = [];
    let rows = 0;
    let isFirst = true;
    for (const { id, at_ms, hosts, names } of session.each(this.#sizes, {})) {
      rows += 1 + (hosts ?? 0) + (names ?? 0);
      if (!isFirst && (at_ms < atMs || rows > roomRows)) ids.push(id);
      isFirst = false;
    }
    return ids.reverse();
  }

  /** Forgets a change, but not what hosts have yet to confirm of it. */
  async drop(session: Session, audit: number): Promise<void> {
    for (const drop of this.#drops) await session.run(drop, { audit });
  }

  /** The hosts that got a change, each with its own rev. */
  async hostsOf(session: Session, id: number): Promise<Map<string, number>> {
    const rows = await session.all(this.#hosts, { audit: id });
    return new Map(rows.map(({ host, rev }) => [host, rev]));
  }

  /** A host that is forgotten is waited for no more. */
  forget(session: Session, host: string): Promise<number> {
    return session.run(this.#forget, { host });
  }
}

function rowOf(at: <Name extends keyof Insert>(name: Name) => Insert[Name]): Insert {
  return {
    at_ms: at('at_ms'),
    verb: at('verb'),
    detail: at('detail'),
    change: at('change'),
    actor: at('actor'),
    sources: at('sources'),
    reason: at('reason'),
    first_rev: at('first_rev'),
    last_rev: at('last_rev'),
    hosts: at('hosts'),
    names: at('names'),
    rollout: at('rollout'),
  };
}

function insertOf(audit: Omit<NewAudit, 'hosts' | 'names'>, hosts: number, names: number): Insert {
  const { atMs, verb, detail, change, origin, revs, rollout } = audit;
  return {
    at_ms: atMs,
    verb,
    detail: JSON.stringify(detail),
    change,
    actor: origin.actor ?? null,
    sources: origin.sources === undefined ? null : JSON.stringify(origin.sources),
    reason: origin.reason ?? null,
    first_rev: revs.first,
    last_rev: revs.last,
    hosts,
    names,
    rollout: rollout ?? null,
  };
}

function auditOf({ id, change, at_ms, verb, detail, actor, sources, reason, ...row }: Row): Audit {
  const origin: Origin = {
    ...(actor !== null && { actor }),
    ...(sources !== null && { sources: JSON.parse(sources) as string[] }),
    ...(reason !== null && { reason }),
  };
  const { confirm } = JSON.parse(detail) as { readonly confirm?: Confirm };
  const revs = { first: row.first_rev ?? 0, last: row.last_rev ?? 0 };
  const { hosts, names, rollout } = row;
  return {
    ...{ id, change: change ?? '', atMs: at_ms, verb, origin },
    ...(confirm !== undefined && { confirm }),
    ...{ revs, hosts: hosts ?? 0, names: names ?? 0 },
    ...(rollout !== null && { rollout }),
  };
}
