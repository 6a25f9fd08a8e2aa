import type { Kysely } from 'kysely';
import type { Labels } from '../../../protocol/host.ts';
import { type Capacity, encodeStatus, parseStatus, type Status } from '../../../protocol/status.ts';
import { Fleet } from '../../model/fleet.ts';
import type { Report } from '../../ports.ts';
import { upsert } from '../dialect.ts';
import { query } from '../query.ts';
import type { HostRow, Schema } from '../schema.ts';
import type { Session } from '../session.ts';

const decoder = new TextDecoder();

/** The hosts that have reported. */
export class HostTable {
  readonly #all;
  readonly #statuses;
  readonly #one;
  readonly #put;

  constructor(db: Kysely<Schema>) {
    const facts = db.selectFrom('hosts').select(['host', 'labels']);
    this.#all = query<object, Pick<HostRow, 'host' | 'labels'>>(() => facts);
    this.#statuses = query<object, Pick<HostRow, 'host' | 'status'>>(() =>
      db.selectFrom('hosts').select(['host', 'status']),
    );
    this.#one = query<{ host: string }, HostRow>((at) =>
      db.selectFrom('hosts').selectAll().where('host', '=', at('host')),
    );
    this.#put = query<HostRow>((at) =>
      upsert(db, 'hosts', ['host'], {
        host: at('host'),
        labels: at('labels'),
        status: at('status'),
        seen_at_ms: at('seen_at_ms'),
      }),
    );
  }

  async fleet(session: Session): Promise<Fleet> {
    const rows = await session.all(this.#all, {});
    return new Fleet(rows.map((row) => ({ host: row.host, labels: labelsOf(row), known: true })));
  }

  /** What each host last said of its room. */
  async capacities(session: Session): Promise<Map<string, Capacity>> {
    const rows = await session.all(this.#statuses, {});
    return new Map(rows.map(({ host, status }) => [host, (JSON.parse(status) as Status).capacity]));
  }

  async find(session: Session, host: string): Promise<Report | undefined> {
    const row = await session.first(this.#one, { host });
    return row && { status: parseStatus(JSON.parse(row.status)), seenAtMs: row.seen_at_ms };
  }

  /** Answers whether the host is new or has other labels than before. */
  async put(session: Session, { status, seenAtMs }: Report): Promise<boolean> {
    const { host } = status;
    const labels = JSON.stringify(status.labels);
    const before = await session.first(this.#one, { host });
    await session.run(this.#put, {
      host,
      labels,
      status: decoder.decode(encodeStatus(status)),
      seen_at_ms: seenAtMs,
    });
    return before?.labels !== labels;
  }
}

function labelsOf(row: Pick<HostRow, 'labels'>): Labels {
  return JSON.parse(row.labels) as Labels;
}
