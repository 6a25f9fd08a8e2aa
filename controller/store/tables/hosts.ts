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
import { type KnownHost, KnownHosts } from './known-hosts.ts';
import { type LastWord, LastWords, wordOf } from './last-words.ts';
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
  readonly #known: KnownHosts;
  readonly #all;
  readonly #rooms;
  readonly #put;
  readonly #drop;
  readonly #clear;
  readonly #unheard;

  constructor(db: Kysely<Schema>) {
    const hosts = db.selectFrom('hosts');
    this.#known = new KnownHosts(db, knownOf);
    this.words = new LastWords(this.#known);
    this.#all = query<object, HostRow>(() => hosts.selectAll());
    this.#rooms = query<object, Room>(() =>
      hosts.select((of) => [
        ...(['host', 'slots', 'shapes'] as const),
        of.case().when('slots', 'is', null).then(of.ref('status')).end().as('status'),
      ]),
    );
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
    return new Fleet((await this.#known.all(session)).values().map(({ facts }) => facts));
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
  async find(session: Session, host: string): Promise<Report | undefined> {
    return (await this.#known.of(session, host))?.word?.report;
  }

  /**
   * Notes a report, unless it is no newer than what the host said before. Answers whether the host is new, or has other
   * labels or abilities than before.
   */
  async put(session: Session, { status, seenAtMs }: Report): Promise<Noted> {
    const before = await this.#known.of(session, status.host);
    if (before !== undefined && !isNewer(before.evidence, status, seenAtMs)) return 'old';
    const evidence = remember(before?.evidence, status, seenAtMs);
    const row = rowFrom(status, evidence);
    await session.run(this.#put, row);
    const { host, labels, can = [] } = status;
    const facts = { host, labels, known: true, can };
    this.#known.keep(row, { facts, evidence, word: wordOf({ status, seenAtMs }) });
    return before === undefined || tellsApart(before.facts, facts) ? 'moved' : 'alike';
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

/** What selectors and the compiler look at. */
function tellsApart(before: HostFacts, now: HostFacts): boolean {
  const [was, is] = [before, now].map(({ labels, can }) => JSON.stringify([labels, can]));
  return was !== is;
}

/** Undefined where a row is damaged: the host says it again. */
function knownOf(row: HostRow): KnownHost | undefined {
  if (!hostSeal.fits(row)) return undefined;
  try {
    return knownFrom(row);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // a release wrote it that knows no checksums
    throw error;
  }
}

function knownFrom(row: HostRow): KnownHost {
  const [facts, evidence] = [factsOf(row), evidenceOf(row)];
  let text: string | undefined = row.status;
  let read: LastWord | undefined;
  return {
    facts,
    evidence,
    /** Parsed when it is asked for: to know the fleet takes none of it. */
    get word() {
      if (text !== undefined) read = readWord(text, row.seen_at_ms);
      text = undefined;
      return read;
    },
  };
}

/** Undefined where a release said what this one cannot read. */
function readWord(text: string, seenAtMs: number): LastWord | undefined {
  try {
    return wordOf({ status: parseStatus(JSON.parse(text)), seenAtMs });
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
