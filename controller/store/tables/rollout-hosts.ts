import type { Kysely } from 'kysely';
import type { Baseline, RolloutHost } from '../../model/rollout.ts';
import { upsert } from '../dialect.ts';
import { query } from '../query.ts';
import type { RolloutHostRow, Schema } from '../schema.ts';
import type { Session } from '../session.ts';
import { Seal } from './seal.ts';

export const rolloutHostSeal = new Seal<RolloutHostRow>('rollout_hosts', [
  'rollout',
  'host',
  'place',
  'wave',
  'state',
  'rev',
  'baseline',
]);

/** The hosts of each rollout, and how far it has come with them. */
export class RolloutHostTable {
  readonly #of;
  readonly #reached;
  readonly #ofHost;
  readonly #active;
  readonly #put;
  readonly #all;
  readonly #drop;
  readonly #clear;

  constructor(db: Kysely<Schema>) {
    const hosts = db.selectFrom('rollout_hosts').selectAll();
    this.#of = query<{ rollout: string }, RolloutHostRow>((at) => hosts.where('rollout', '=', at('rollout')));
    this.#reached = query<{ rollout: string }, RolloutHostRow>((at) =>
      hosts.where('rollout', '=', at('rollout')).where('state', '=', 'published'),
    );
    this.#ofHost = query<{ rollout: string; host: string }, RolloutHostRow>((at) =>
      hosts.where('rollout', '=', at('rollout')).where('host', '=', at('host')),
    );
    this.#active = query<{ host: string }, RolloutHostRow>((at) =>
      hosts
        .where('host', '=', at('host'))
        .where('rollout', 'in', (of) => of.selectFrom('rollouts').select('id').where('ended_ms', 'is', null)),
    );
    this.#put = query<RolloutHostRow>((at) =>
      upsert(db, 'rollout_hosts', ['rollout', 'host'], {
        rollout: at('rollout'),
        host: at('host'),
        place: at('place'),
        wave: at('wave'),
        state: at('state'),
        rev: at('rev'),
        baseline: at('baseline'),
        checksum: at('checksum'),
      }),
    );
    this.#all = query<object, RolloutHostRow>(() => hosts);
    this.#clear = query<object>(() => db.deleteFrom('rollout_hosts'));
    this.#drop = query<{ rollout: string }>((at) =>
      db.deleteFrom('rollout_hosts').where('rollout', '=', at('rollout')),
    );
  }

  /** In the order in which they have their turn. */
  async of(session: Session, rollout: string): Promise<RolloutHost[]> {
    const rows = await session.all(this.#of, { rollout });
    return rows.map(hostOf).sort((a, b) => a.place - b.place || (a.host < b.host ? -1 : 1));
  }

  async find(session: Session, rollout: string, host: string): Promise<RolloutHost | undefined> {
    const row = await session.first(this.#ofHost, { rollout, host });
    return row && hostOf(row);
  }

  /** The hosts that have what a rollout brings. */
  async reached(session: Session, rollout: string): Promise<Set<string>> {
    const rows = await session.all(this.#reached, { rollout });
    return new Set(rows.map((row) => rolloutHostSeal.require(row).host));
  }

  async put(session: Session, rollout: string, { baseline, ...host }: RolloutHost): Promise<void> {
    await session.run(this.#put, rolloutHostSeal.put({ rollout, ...host, baseline: JSON.stringify(baseline) }));
  }

  /** A host is forgotten: rollouts that are under way do not wait for it. */
  async leave(session: Session, host: string): Promise<void> {
    for (const row of await session.all(this.#active, { host })) {
      const { rollout, ...was } = rolloutHostSeal.require(row);
      await session.run(this.#put, rolloutHostSeal.put({ ...was, rollout, state: 'left' }));
    }
  }

  async drop(session: Session, rollout: string): Promise<void> {
    await session.run(this.#drop, { rollout });
  }

  async clear(session: Session): Promise<void> {
    await session.run(this.#clear, {});
  }

  /** Every row, damaged or not, as the table has them. */
  scan(session: Session): Promise<RolloutHostRow[]> {
    return session.all(this.#all, {});
  }

  async putRow(session: Session, row: RolloutHostRow): Promise<void> {
    await session.run(this.#put, row);
  }
}

function hostOf(row: RolloutHostRow): RolloutHost {
  const { host, place, wave, state, rev, baseline } = rolloutHostSeal.require(row);
  return { host, place, wave, state, rev, baseline: JSON.parse(baseline) as Baseline };
}
