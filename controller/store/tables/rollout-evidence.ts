import type { Kysely } from 'kysely';
import { MAX_EVIDENCE } from '../../../protocol/rollout-status.ts';
import { upsert, upTo } from '../dialect.ts';
import { query } from '../query.ts';
import type { RolloutEvidenceRow, Schema } from '../schema.ts';
import type { Session } from '../session.ts';

/** What was done and why, of each rollout the last. */
export class RolloutEvidenceTable {
  readonly #put;
  readonly #cut;
  readonly #newest;
  readonly #drop;

  constructor(db: Kysely<Schema>) {
    const evidence = db.selectFrom('rollout_evidence').selectAll();
    this.#put = query<RolloutEvidenceRow>((at) =>
      upsert(db, 'rollout_evidence', ['rollout', 'number'], {
        rollout: at('rollout'),
        number: at('number'),
        at_ms: at('at_ms'),
        what: at('what'),
        wave: at('wave'),
        detail: at('detail'),
      }),
    );
    this.#cut = query<{ rollout: string; kept: number }>((at) =>
      db
        .deleteFrom('rollout_evidence')
        .where('rollout', '=', at('rollout'))
        .where('number', '<=', (of) =>
          of
            .selectFrom('rollout_evidence')
            .select('number')
            .where('rollout', '=', at('rollout'))
            .orderBy('number', 'desc')
            .limit(upTo(1))
            .offset(at('kept')),
        ),
    );
    this.#newest = query<{ rollout: string; after: number; limit: number }, RolloutEvidenceRow>((at) =>
      evidence
        .where('rollout', '=', at('rollout'))
        .where('number', '>', at('after'))
        .orderBy('number', 'desc')
        .limit(at('limit')),
    );
    this.#drop = query<{ rollout: string }>((at) =>
      db.deleteFrom('rollout_evidence').where('rollout', '=', at('rollout')),
    );
  }

  async add(session: Session, row: RolloutEvidenceRow): Promise<void> {
    await session.run(this.#put, row);
    await session.run(this.#cut, { rollout: row.rollout, kept: MAX_EVIDENCE });
  }

  /** The newest after a number, the oldest of them first. */
  async newest(session: Session, rollout: string, after: number, limit: number): Promise<RolloutEvidenceRow[]> {
    return (await session.all(this.#newest, { rollout, after, limit })).reverse();
  }

  async drop(session: Session, rollout: string): Promise<void> {
    await session.run(this.#drop, { rollout });
  }
}
