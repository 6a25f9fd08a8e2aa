import type { Kysely } from 'kysely';
import type { Cursor } from '../../../protocol/cursor.ts';
import type { Labels } from '../../../protocol/host.ts';
import { Refused } from '../../../protocol/refused.ts';
import { type Capacity, parseStatus, type Status } from '../../../protocol/status.ts';
import type { HostFacts } from '../../model/claim.ts';
import { type Evidence, type Heard, isNewer, remember } from '../../model/evidence.ts';
import { Fleet } from '../../model/fleet.ts';
import type { Report } from '../../ports.ts';
import { upsert } from '../dialect.ts';
import { query } from '../query.ts';
import type { HostRow, Schema } from '../schema.ts';
import type { Session } from '../session.ts';
import { LastWords } from './last-words.ts';
import { Seal } from './seal.ts';

const hostSeal = new Seal<HostRow>('hosts', [
  'host',
  'labels',
  'status',
  'seen_at_ms',
  'epoch',
  'stored',
  'applied',
  'verified',
  'digest',
  'exceptions',
  'slots',
  'shapes',
  'boot',
  'seq',
  'can',
  'boots',
]);

/** `status` only where the columns do not say it. */
type Room = Pick<HostRow, 'host' | 'slots' | 'shapes'> & { readonly status: string | null };

/** What became of a report: it is no newer than another, or of a host as it was, or of one that is new or is otherwise than it was. */
export type Noted = 'old' | 'alike' | 'moved';

/** The hosts that have reported. What a damaged row says is not known, until the host reports again. */
export class HostTable {
  /** What every host said last, for listings. */
  readonly words: LastWords;
  readonly #all;
  readonly #rooms;
  readonly #one;
  readonly #put;
  readonly #drop;
  readonly #clear;
  readonly #unheard;

  constructor(db: Kysely<Schema>) {
    const hosts = db.selectFrom('hosts');
    this.words = new LastWords(db, findReport);
    this.#all = query<object, HostRow>(() => hosts.selectAll());
    this.#rooms = query<object, Room>(() =>
      hosts.select((of) => [
        ...(['host', 'slots', 'shapes'] as const),
        of.case().when('slots', 'is', null).then(of.ref('status')).end().as('status'),
      ]),
    );
    this.#one = query<{ host: string }, HostRow>((at) => hosts.selectAll().where('host', '=', at('host')));
    this.#put = query<HostRow>((at) => upsert(db, 'hosts', ['host'], rowOf(at)));
    this.#drop = query<{ host: string }>((at) => db.deleteFrom('hosts').where('host', '=', at('host')));
    this.#clear = query<object>(() => db.deleteFrom('hosts'));
    this.#unheard = query<{ from: number; to: number }>((at) =>
      db
        .deleteFrom('hosts')
        .where((either) => either.or([either('seen_at_ms', '<', at('from')), either('seen_at_ms', '>', at('to'))])),
    );
  }

  async fleet(session: Session): Promise<Fleet> {
    const rows = await session.all(this.#all, {});
    return new Fleet(rows.filter((row) => hostSeal.fits(row)).map(factsOf));
  }

  /** What each host last said of its room. */
  async capacities(session: Session): Promise<Map<string, Pick<Capacity, 'max' | 'shapesMax'>>> {
    const rows = await session.all(this.#rooms, {});
    return new Map(rows.map((row) => [row.host, roomOf(row)]));
  }

  /** Where every host stands, by its own last word. */
  async claims(session: Session): Promise<Cursor[]> {
    const rows = await session.all(this.#all, {});
    return rows.filter((row) => hostSeal.fits(row)).map(claimOf);
  }

  /** Forgets what hosts said that were not heard within some time. Answers how many. */
  forgetUnheard(session: Session, fromMs: number, toMs: number): Promise<number> {
    return session.run(this.#unheard, { from: fromMs, to: toMs });
  }

  /** What a host said last. */
  find(session: Session, host: string): Promise<Report | undefined> {
    return this.words.of(session, host);
  }

  /**
   * Notes a report, unless it is no newer than what the host said before. Answers whether the host is new, or has other
   * labels or abilities than before.
   */
  async put(session: Session, { status, seenAtMs }: Report): Promise<Noted> {
    const found = await session.first(this.#one, { host: status.host });
    const before = found && hostSeal.fits(found) ? found : undefined;
    const evidence = before && evidenceOf(before);
    if (evidence !== undefined && !isNewer(evidence, status, seenAtMs)) return 'old';
    const row = rowFrom(status, remember(evidence, status, seenAtMs));
    await session.run(this.#put, row);
    this.words.keep(row, { status, seenAtMs });
    return before?.labels !== row.labels || (before.can ?? '[]') !== row.can ? 'moved' : 'alike';
  }

  async drop(session: Session, host: string): Promise<void> {
    await session.run(this.#drop, { host });
  }

  /** Leaves out the rows that are damaged. Answers of how many hosts nothing is known until they report. */
  async mend(session: Session, anew: boolean): Promise<number> {
    const rows = await session.all(this.#all, {});
    const sound = rows.filter((row) => hostSeal.fits(row));
    if (!anew && sound.length === rows.length) return 0;
    await session.run(this.#clear, {});
    for (const row of sound) await session.run(this.#put, row);
    return rows.length - sound.length;
  }
}

function rowOf(at: <Name extends keyof HostRow>(name: Name) => HostRow[Name]): HostRow {
  return {
    host: at('host'),
    labels: at('labels'),
    status: at('status'),
    seen_at_ms: at('seen_at_ms'),
    epoch: at('epoch'),
    stored: at('stored'),
    applied: at('applied'),
    verified: at('verified'),
    digest: at('digest'),
    exceptions: at('exceptions'),
    slots: at('slots'),
    shapes: at('shapes'),
    boot: at('boot'),
    seq: at('seq'),
    can: at('can'),
    boots: at('boots'),
    checksum: at('checksum'),
  };
}

function rowFrom(status: Status, { boots, seenAtMs }: Evidence): HostRow {
  const { host, epoch, stored, applied, verified, digest, boot } = status;
  return hostSeal.put({
    host,
    labels: JSON.stringify(status.labels),
    status: JSON.stringify(status),
    seen_at_ms: seenAtMs,
    epoch,
    stored,
    applied,
    verified,
    digest,
    exceptions: status.exceptionsTotal,
    slots: status.capacity.max,
    shapes: status.capacity.shapesMax ?? null,
    boot,
    seq: status.seq ?? null,
    can: JSON.stringify(status.can ?? []),
    boots: JSON.stringify(boots),
  });
}

/** A start of which an earlier release noted no more than that it was heard. */
const NEVER_LATER = { seq: Number.MAX_SAFE_INTEGER, at: Number.MAX_SAFE_INTEGER };

/** Undefined where a row is damaged, or of a release that said what this one cannot read: the host says it again. */
function findReport(row: HostRow): Report | undefined {
  if (!hostSeal.fits(row)) return undefined;
  try {
    return { status: parseStatus(JSON.parse(row.status)), seenAtMs: row.seen_at_ms };
  } catch (error) {
    if (error instanceof Refused || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A release that has no such columns says it in its status alone. */
function claimOf({ status, ...row }: HostRow): Cursor {
  if (row.epoch !== null && row.stored !== null) return { epoch: row.epoch, rev: row.stored };
  const { epoch, stored } = JSON.parse(status) as Status;
  return { epoch, rev: stored };
}

function evidenceOf(row: HostRow): Evidence {
  const { boot, seq, at } = JSON.parse(row.status) as Status;
  const known = JSON.parse(row.boots ?? '[]') as readonly (Heard | string)[];
  const heard = known.map((one) => (typeof one === 'string' ? { ...NEVER_LATER, boot: one } : one));
  const newest = { boot, ...(seq !== undefined && { seq }), at };
  return { boots: [newest, ...heard.filter((one) => one.boot !== boot)], seenAtMs: row.seen_at_ms };
}

function roomOf({ slots, shapes, status }: Room): Pick<Capacity, 'max' | 'shapesMax'> {
  if (slots === null) return (JSON.parse(status ?? '{}') as Status).capacity;
  return { max: slots, ...(shapes !== null && { shapesMax: shapes }) };
}

/** A release without the column knows no agent that can more than itself. */
function factsOf({ host, labels, can }: HostRow): HostFacts {
  return {
    host,
    labels: JSON.parse(labels) as Labels,
    known: true,
    can: can === null ? [] : (JSON.parse(can) as string[]),
  };
}
