import type { Kysely } from 'kysely';
import type { Selector } from '../../../protocol/spec.ts';
import { ABILITIES } from '../../model/claim.ts';
import { textAt, upTo } from '../dialect.ts';
import { query } from '../query.ts';
import type { Schema, SpecRow } from '../schema.ts';
import type { Session } from '../session.ts';
import { askFor } from './specs.ts';

/** Redirects of a change that are as it left them, for the same hosts, and that ask the same of agents; `name` is one of them. */
export interface Aim {
  readonly hosts: Selector;
  readonly needs: readonly string[];
  /** The interface that their packets come in by; undefined for any. */
  readonly ingress: string | undefined;
  readonly redirects: number;
  readonly name: string;
}

type AimRow = Pick<SpecRow, 'hosts' | 'name'> & {
  readonly redirects: number;
  readonly ingress: string | null;
} & Readonly<Record<(typeof ABILITIES)[number], number>>;

/** The changes that are waited for at a time, and more. */
const MAX_KEPT = 64;

/** Which redirects each change was about. */
export class AuditNameTable {
  readonly #aims;
  readonly #last;
  /** Whoever waits asks again and again; what specs say changes with a row of the audit and not without. */
  readonly #kept = new Map<number, { readonly last: number; readonly aims: readonly Aim[] }>();
  readonly #put;
  readonly #revOn;
  readonly #newest;

  constructor(db: Kysely<Schema>) {
    const names = db.selectFrom('audit_names as named').where('named.what', '!=', 'deleted');
    this.#aims = query<{ audit: number }, AimRow>((at) =>
      names
        .innerJoin('specs', 'specs.name', 'named.name')
        .select((of) => [
          'specs.hosts',
          of.fn.min('named.name').as('name'),
          of.fn.countAll<number>().as('redirects'),
          textAt('specs.body', '$.match.in').as('ingress'),
          ...ABILITIES.map((word) => of.case().when('specs.body', 'like', askFor(word)).then(1).else(0).end().as(word)),
        ])
        .where('named.audit', '=', at('audit'))
        .where('specs.enabled', '=', 1)
        .where((of) =>
          of.not(
            of.exists(
              of
                .selectFrom('audit_names as later')
                .select('later.audit')
                .whereRef('later.name', '=', 'named.name')
                .whereRef('later.audit', '>', 'named.audit'),
            ),
          ),
        )
        .groupBy(['specs.hosts', 'ingress', ...ABILITIES]),
    );
    this.#last = query<object, { last: number | null }>(() =>
      db.selectFrom('audit').select((all) => all.fn.max('id').as('last')),
    );
    this.#put = query<{ audit: number; limit: number }, { name: string }>((at) =>
      names.select('named.name').where('named.audit', '=', at('audit')).limit(at('limit')),
    );
    this.#revOn = query<{ audit: number; host: string }, { rev: number | null }>((at) =>
      names
        .innerJoin('changes', (on) =>
          on.onRef('changes.key', '=', 'named.key').onRef('changes.name', '=', 'named.name'),
        )
        .select((all) => all.fn.max('changes.rev').as('rev'))
        .where('named.audit', '=', at('audit'))
        .where('changes.host', '=', at('host'))
        .where('changes.op', '=', 'put'),
    );
    this.#newest = query<{ audit: number; name: string }, { audit: number; mine: number | null }>((at) =>
      db
        .selectFrom('audit_names as named')
        .select((of) => [
          'named.audit',
          of
            .selectFrom('audit_names as one')
            .select('one.audit')
            .where('one.audit', '=', at('audit'))
            .where('one.name', '=', at('name'))
            .where('one.what', '!=', 'deleted')
            .as('mine'),
        ])
        .where('named.name', '=', at('name'))
        .orderBy('named.audit', 'desc')
        .limit(upTo(1)),
    );
  }

  /** Whom a change is for, as far as nobody changed its redirects since. */
  async aims(session: Session, audit: number): Promise<readonly Aim[]> {
    const last = (await session.first(this.#last, {}))?.last ?? 0;
    const kept = this.#kept.get(audit);
    if (kept?.last === last) return kept.aims;
    const aims = (await session.all(this.#aims, { audit })).map(aimOf);
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
    this.#kept.set(audit, { last, aims });
    return aims;
  }

  /** Whether a change put anything, and did not only delete. */
  async puts(session: Session, audit: number): Promise<boolean> {
    return (await session.first(this.#put, { audit, limit: 1 })) !== undefined;
  }

  /** The newest rev that a host has of what a change put, as far as it stands there; 0 where it has none. */
  async revOn(session: Session, audit: number, host: string): Promise<number> {
    return (await session.first(this.#revOn, { audit, host }))?.rev ?? 0;
  }

  /** Which change was the last of a redirect that this one put; undefined of one that it did not. */
  async newestSince(session: Session, audit: number, name: string): Promise<number | undefined> {
    const row = await session.first(this.#newest, { audit, name });
    return row === undefined || row.mine === null ? undefined : row.audit;
  }
}

function aimOf(row: AimRow): Aim {
  return {
    hosts: JSON.parse(row.hosts) as Selector,
    needs: ABILITIES.filter((word) => row[word] === 1),
    ingress: row.ingress ?? undefined,
    redirects: row.redirects,
    name: row.name,
  };
}
