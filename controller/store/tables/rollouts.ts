import type { Kysely } from 'kysely';
import type { Origin } from '../../../protocol/origin.ts';
import { isActive, type Plan, type Rollout, type RolloutState, waveOf } from '../../model/rollout.ts';
import { upsert } from '../dialect.ts';
import { query } from '../query.ts';
import type { RolloutRow, Schema } from '../schema.ts';
import type { Session } from '../session.ts';
import { Seal } from './seal.ts';

export const rolloutSeal = new Seal<RolloutRow>('rollouts', [
  'id',
  'state',
  'step',
  'wave',
  'version',
  'progress',
  'plan',
  'plan_hash',
  'epoch',
  'started_ms',
  'changed_ms',
  'ended_ms',
  'actor',
  'sources',
  'reason',
]);

/** What the columns do not say. */
interface Progress extends Pick<Rollout, 'external' | 'skipped' | 'of'> {
  readonly state: RolloutState;
}

/** Greater than every character of an id. */
const PAST = '~';

/** Changes that go in waves, those that are under way and those that were. */
export class RolloutTable {
  readonly #one;
  readonly #byPrefix;
  readonly #active;
  readonly #ended;
  readonly #insert;
  readonly #move;
  readonly #all;
  readonly #byPlan;
  readonly #tooOld;
  readonly #put;
  readonly #drop;
  readonly #clear;

  constructor(db: Kysely<Schema>) {
    const rollouts = db.selectFrom('rollouts').selectAll();
    this.#one = query<{ id: string }, RolloutRow>((at) => rollouts.where('id', '=', at('id')));
    this.#byPrefix = query<{ from: string; to: string; limit: number }, RolloutRow>((at) =>
      rollouts.where('id', '>=', at('from')).where('id', '<', at('to')).orderBy('id').limit(at('limit')),
    );
    this.#active = query<object, RolloutRow>(() => rollouts.where('ended_ms', 'is', null).orderBy('id'));
    this.#ended = query<{ ended: number; id: string; limit: number }, RolloutRow>((at) =>
      rollouts
        .where('ended_ms', 'is not', null)
        .where((of) =>
          of.or([
            of('ended_ms', '<', at('ended')),
            of.and([of('ended_ms', '=', at('ended')), of('id', '>', at('id'))]),
          ]),
        )
        .orderBy('ended_ms', 'desc')
        .orderBy('id')
        .limit(at('limit')),
    );
    this.#insert = query<RolloutRow>((at) => db.insertInto('rollouts').values(rowOf(at)));
    this.#put = query<RolloutRow>((at) => upsert(db, 'rollouts', ['id'], rowOf(at)));
    this.#move = query<RolloutRow & { readonly seen: number }>((at) =>
      db.updateTable('rollouts').set(rowOf(at)).where('id', '=', at('id')).where('version', '=', at('seen')),
    );
    this.#all = query<object, RolloutRow>(() => rollouts);
    this.#byPlan = query<{ hash: string; from: number }, RolloutRow>((at) =>
      rollouts.where('plan_hash', '=', at('hash')).where('ended_ms', '>=', at('from')).orderBy('ended_ms', 'desc'),
    );
    this.#tooOld = query<{ to: number }, { id: string }>((at) =>
      db.selectFrom('rollouts').select('id').where('ended_ms', '<', at('to')),
    );
    this.#drop = query<{ id: string }>((at) => db.deleteFrom('rollouts').where('id', '=', at('id')));
    this.#clear = query<object>(() => db.deleteFrom('rollouts'));
  }

  async clear(session: Session): Promise<void> {
    await session.run(this.#clear, {});
  }

  async find(session: Session, id: string): Promise<Rollout | undefined> {
    const row = await session.first(this.#one, { id });
    return row && rolloutOf(row);
  }

  /** Those whose ids begin like this, at most `limit`; one of exactly this id is the only one. */
  async startingWith(session: Session, prefix: string, limit: number): Promise<Rollout[]> {
    const exact = await this.find(session, prefix);
    if (exact !== undefined) return [exact];
    return (await session.all(this.#byPrefix, { from: prefix, to: prefix + PAST, limit })).map(rolloutOf);
  }

  /** Those that are under way. */
  async active(session: Session): Promise<Rollout[]> {
    return (await session.all(this.#active, {})).map(rolloutOf);
  }

  /** Those that ended, the newest first, after one of them. */
  async ended(session: Session, after: { readonly endedMs: number; readonly id: string }, limit: number) {
    return (await session.all(this.#ended, { ended: after.endedMs, id: after.id, limit })).map(rolloutOf);
  }

  /** Those of the same plan that ended since, the newest first. */
  async ofPlan(session: Session, hash: string, fromMs: number): Promise<Rollout[]> {
    return (await session.all(this.#byPlan, { hash, from: fromMs })).map(rolloutOf);
  }

  async begin(session: Session, rollout: Rollout): Promise<void> {
    await session.run(this.#insert, rowFrom(rollout));
  }

  /** Compares and sets: answers whether it was still of the version that was seen, and is what is given now. */
  async move(session: Session, seen: number, rollout: Rollout): Promise<boolean> {
    return (await session.run(this.#move, { ...rowFrom(rollout), seen })) === 1;
  }

  /** Those that ended before. */
  async tooOld(session: Session, toMs: number): Promise<string[]> {
    return (await session.all(this.#tooOld, { to: toMs })).map(({ id }) => id);
  }

  async drop(session: Session, id: string): Promise<void> {
    await session.run(this.#drop, { id });
  }

  /** Every row, damaged or not, as the table has them. */
  scan(session: Session): Promise<RolloutRow[]> {
    return session.all(this.#all, {});
  }

  async put(session: Session, row: RolloutRow): Promise<void> {
    await session.run(this.#put, row);
  }
}

function rowOf(at: <Name extends keyof RolloutRow>(name: Name) => RolloutRow[Name]): RolloutRow {
  return {
    id: at('id'),
    state: at('state'),
    step: at('step'),
    wave: at('wave'),
    version: at('version'),
    progress: at('progress'),
    plan: at('plan'),
    plan_hash: at('plan_hash'),
    epoch: at('epoch'),
    started_ms: at('started_ms'),
    changed_ms: at('changed_ms'),
    ended_ms: at('ended_ms'),
    actor: at('actor'),
    sources: at('sources'),
    reason: at('reason'),
    checksum: at('checksum'),
  };
}

export function rowFrom(rollout: Rollout): RolloutRow {
  const { id, state, version, plan, planHash, epoch, startedMs, changedMs, endedMs, origin } = rollout;
  const { external, skipped, of } = rollout;
  const progress: Progress = {
    state,
    ...(external !== undefined && { external }),
    ...(skipped !== undefined && { skipped }),
    ...(of !== undefined && { of }),
  };
  return rolloutSeal.put({
    id,
    state: state.is,
    step: 'step' in state ? state.step.at : null,
    wave: waveOf(state),
    version,
    progress: JSON.stringify(progress),
    plan: JSON.stringify(plan),
    plan_hash: planHash,
    epoch,
    started_ms: startedMs,
    changed_ms: changedMs,
    ended_ms: isActive(state) ? null : (endedMs ?? changedMs),
    actor: origin.actor ?? null,
    sources: origin.sources === undefined ? null : JSON.stringify(origin.sources),
    reason: origin.reason ?? null,
  });
}

export function rolloutOf(given: RolloutRow): Rollout {
  const row = rolloutSeal.require(given);
  const { state, ...progress } = JSON.parse(row.progress) as Progress;
  const origin: Origin = {
    ...(row.actor !== null && { actor: row.actor }),
    ...(row.sources !== null && { sources: JSON.parse(row.sources) as string[] }),
    ...(row.reason !== null && { reason: row.reason }),
  };
  return {
    id: row.id,
    state,
    version: row.version,
    plan: JSON.parse(row.plan) as Plan,
    planHash: row.plan_hash,
    epoch: row.epoch,
    startedMs: row.started_ms,
    changedMs: row.changed_ms,
    ...(row.ended_ms !== null && { endedMs: row.ended_ms }),
    origin,
    ...progress,
  };
}
