import { Awaited, goOn, type UnconfirmedRows } from '../../agent/model/awaited.ts';
import type { BootTime } from '../../agent/model/boot-time.ts';
import type { BrakeChange, BrakeMemory } from '../../agent/model/brake.ts';
import { type EntryState, unarmed } from '../../agent/model/state.ts';
import type { Acceptance, Beside, Candidate, ConfirmationNews, Move, Stored } from '../../agent/model/stored.ts';
import type { StoredValue, Unconfirmed } from '../../agent/model/unconfirmed.ts';
import type { DesiredStore, Recorded, Recorder } from '../../agent/ports.ts';
import { EVENTS_PER_KEY } from '../../agent/store/event-table.ts';
import { NO_CURSOR } from '../../protocol/cursor.ts';
import { addDigest, EMPTY_DIGEST, elementDigest, removeDigest } from '../../protocol/digest.ts';
import type { Event } from '../../protocol/event.ts';
import { type Intent, intentBody, intentOf } from '../../protocol/intent.ts';

export interface UnreadRow {
  readonly key: string;
  readonly rev: number;
  readonly body: string;
}

/** A copy of it, without the flight recorder. */
export type KeptStore = Pick<
  MemoryStore,
  'stored' | 'set' | 'flipped' | 'lost' | 'rows' | 'confirmed' | 'awaited' | 'noted' | 'brake'
>;

/** A store in memory, as strict about digests as the real one. It passes test/conformance/store.test.ts. */
export class MemoryStore implements DesiredStore, Recorder {
  /** What is stored; to be set for a test that starts with something. */
  stored: Pick<Stored, 'sound' | 'cursor' | 'digest' | 'seq'> = {
    sound: true,
    cursor: NO_CURSOR,
    digest: EMPTY_DIGEST,
    seq: 0,
  };
  set: ReadonlyMap<string, Intent> = new Map();
  /** Rows of intents that only a newer agent can read; `writeAsNewer` adds one. */
  unread: ReadonlyMap<string, UnreadRow> = new Map();
  /** Keys of rows of intents that do not fit their checksums. */
  flipped: ReadonlySet<string> = new Set();
  /** Intents whose rows are gone: who loaded them before still knows them. */
  lost: ReadonlyMap<string, Intent> = new Map();
  readonly rows = new Map<string, EntryState>();
  /** Of the epoch that is stored. */
  confirmed: number | undefined;
  awaited: ReadonlyMap<string, Unconfirmed> = new Map();
  /** When it was last, of which boot the deadlines are. */
  noted: BootTime | undefined;
  /** What is remembered of the brake, and at which commit. */
  brake: { readonly seq: number; readonly memory: BrakeMemory } | undefined;
  /** How often rows were saved. */
  saves = 0;
  /** Thrown by the next calls that write, first one first. */
  readonly failures: Error[] = [];
  /** What a look finds, from now on. */
  gone: Error | undefined;
  /** By place, oldest first. */
  readonly #recorded = new Map<number, Event>();
  #place = 0;

  async load(at?: BootTime): Promise<Stored> {
    if (at !== undefined) this.#goOn(at);
    const newer = this.unread.size > 0;
    const intents = byKey(this.set.values()).filter(({ key }) => !this.flipped.has(key));
    const { stored, confirmed } = this;
    const [entries, unconfirmed] = [byKey(this.rows.values()), byKey(this.awaited.values())];
    const brake = this.brake?.seq === stored.seq ? { brake: this.brake.memory } : {};
    return { ...stored, ...brake, sound: this.#sound, newer, intents, entries, confirmed, unconfirmed };
  }

  /** What is kept of it when its disk is copied. */
  copy(): KeptStore {
    const { stored, set, flipped, lost, rows, confirmed, awaited, noted, brake } = this;
    return { stored, set, flipped, lost, rows: new Map(rows), confirmed, awaited, noted, brake };
  }

  /** As a bit does that flips in the row of an intent; answers whose, undefined where there are not so many. */
  flip(which: number): string | undefined {
    const key = [...this.set.keys()].sort()[which];
    if (key !== undefined) this.flipped = new Set([...this.flipped, key]);
    return key;
  }

  /** The row of an intent is gone; answers whose, undefined where there are not so many. */
  loseRow(which: number): string | undefined {
    const key = [...this.set.keys()].sort()[which];
    this.lost = new Map([...this.lost, ...[...this.set].filter(([it]) => it === key)]);
    this.set = new Map([...this.set].filter(([it]) => it !== key));
    return key;
  }

  /** As a newer agent does that ran on this store. */
  writeAsNewer(row: UnreadRow): void {
    this.unread = new Map([...this.unread, [row.key, row]]);
    this.stored = { ...this.stored, digest: addDigest(this.stored.digest, elementOfRow(row)) };
  }

  async accept(candidate: Candidate, afterSeq = 0, beside: Beside = {}): Promise<Acceptance> {
    this.#failNext();
    const { base, changes, cursor, digest } = candidate;
    const next = new Map(base === 'stored' ? this.set : []);
    const unread = new Map(base === 'stored' ? this.unread : []);
    const rows = [...this.set.values(), ...this.lost.values()];
    let now = base === 'stored' ? digestOf(rows, this.unread.values()) : EMPTY_DIGEST;
    const put: Intent[] = [];
    const removed: string[] = [];
    for (const change of changes) {
      const [old, unknown] = [next.get(change.key), unread.get(change.key)];
      if (change.rev <= ((old ?? unknown)?.rev ?? 0)) continue;
      if (old !== undefined) now = removeDigest(now, elementOf(old));
      if (unknown !== undefined) now = removeDigest(now, elementOfRow(unknown));
      unread.delete(change.key);
      if (change.op === 'put') {
        const intent = intentOf(change);
        next.set(change.key, intent);
        now = addDigest(now, elementOf(intent));
        put.push(intent);
      } else if (next.delete(change.key)) removed.push(change.key);
    }
    const inTheWay = base === 'stored' && (!this.stored.sound || changes.some(({ key }) => this.flipped.has(key)));
    if (inTheWay || now !== digest) return { outcome: 'mismatch', sound: this.#sound };
    const whole = base === 'empty';
    const news = this.#await(candidate, beside);
    this.set = next;
    if (whole) this.flipped = new Set();
    this.lost = new Map(whole ? [] : [...this.lost].filter(([key]) => !changes.some((change) => change.key === key)));
    this.unread = unread;
    const before = this.stored.seq;
    this.stored = { sound: true, cursor, digest, seq: Math.max(before, afterSeq) + 1 };
    if (beside.brake !== undefined) this.#brake(beside.brake, before);
    return { outcome: 'accepted', seq: this.stored.seq, whole, put, removed, ...(news && { news }) };
  }

  async confirm(epoch: string, rev: number, now: () => BootTime): Promise<ConfirmationNews | undefined> {
    this.#failNext();
    if (epoch !== this.stored.cursor.epoch) return undefined;
    if (rev > (this.confirmed ?? -1)) this.#goOn(now());
    return this.#moved((awaited) => this.#confirm(awaited, ahead(this.confirmed, rev), now));
  }

  async move(kind: Move, of: readonly Pick<Unconfirmed, 'key' | 'rev'>[], at: BootTime) {
    this.#failNext();
    this.#goOn(at);
    this.noted = at;
    return this.#moved((awaited) => awaited.move({ kind, ms: at.ms }, of))?.open ?? [];
  }

  async noteTime(at: BootTime): Promise<void> {
    this.#failNext();
    this.#goOn(at);
    this.noted = at;
  }

  async remember(beside: Pick<Beside, 'brake'>): Promise<void> {
    this.#failNext();
    if (beside.brake !== undefined) this.#brake(beside.brake, this.stored.seq);
  }

  #brake({ state, hold, free }: BrakeChange, before: number): void {
    const known = this.brake?.seq === before ? this.brake.memory.withheld : [];
    const withheld = new Map(known.map((one) => [one.key, one]));
    for (const key of free) withheld.delete(key);
    for (const one of hold) withheld.set(one.key, one);
    this.brake = { seq: this.stored.seq, memory: { state, withheld: byKey(withheld.values()) } };
  }

  async saveEntries(entries: readonly EntryState[], forget: readonly string[]): Promise<void> {
    this.#failNext();
    this.saves += 1;
    for (const key of forget) this.rows.delete(key);
    for (const entry of entries) this.rows.set(entry.key, entry);
  }

  async record(events: readonly Event[]): Promise<void> {
    for (const event of events) {
      this.#place += 1;
      this.#recorded.set(this.#place, event);
    }
    for (const key of new Set(events.map((event) => event.key))) {
      const places = [...this.#recorded].filter(([, event]) => key !== undefined && event.key === key);
      for (const [place] of places.slice(0, -EVENTS_PER_KEY)) this.#recorded.delete(place);
    }
  }

  async history(key: string): Promise<readonly Event[]> {
    return [...this.#recorded.values()].filter((event) => event.key === key);
  }

  async recent(before: number, limit: number): Promise<Recorded> {
    const chosen = [...this.#recorded].filter(([place]) => place < before).slice(-limit);
    return { events: chosen.map(([, event]) => event), first: chosen[0]?.[0] ?? 0 };
  }

  requireSame(): void {
    if (this.gone !== undefined) throw this.gone;
  }

  async close(): Promise<void> {}

  #await(candidate: Candidate, { now = () => ({ boot: '', ms: 0 }) }: Beside): ConfirmationNews | undefined {
    const { base, changes, cursor, marks } = candidate;
    const before = cursor.epoch === this.stored.cursor.epoch ? this.confirmed : undefined;
    const confirmed = ahead(before, marks?.confirmed);
    const storedOf = (key: string): StoredValue | undefined => {
      const intent = this.flipped.has(key) ? undefined : this.set.get(key);
      return intent && { intent, asleep: this.rows.get(key)?.state === 'idle' };
    };
    if (confirmed !== undefined && confirmed !== this.confirmed) this.#goOn(now());
    return this.#moved((awaited) => {
      this.#confirm(awaited, confirmed, now);
      if (base === 'empty') awaited.layAnew(changes, storedOf, confirmed ?? 0);
      else awaited.layOver(changes, storedOf, confirmed ?? 0);
    });
  }

  #confirm(awaited: Awaited, confirmed: number | undefined, now: () => BootTime): void {
    if (confirmed !== undefined && confirmed !== this.confirmed)
      awaited.move({ kind: 'confirm', ms: now().ms, confirmed }, 'all');
    this.confirmed = confirmed;
  }

  /** Answers undefined where nothing is news. */
  #moved(work: (awaited: Awaited) => void): ConfirmationNews | undefined {
    const before = this.confirmed;
    const rows = new Map(this.awaited);
    const awaited = new Awaited(rowsOf(rows));
    work(awaited);
    this.awaited = rows;
    const news = { confirmed: this.confirmed, ...awaited.news };
    return before === news.confirmed && news.open.length + news.ended.length === 0 ? undefined : news;
  }

  #goOn(at: BootTime): void {
    const rows = goOn([...this.awaited.values()], this.noted, at);
    if (rows === undefined) return;
    this.awaited = new Map(rows.map((row) => [row.key, row]));
    for (const row of this.rows.values()) this.rows.set(row.key, unarmed(row));
    this.noted = at;
  }

  get #sound(): boolean {
    return this.stored.sound && this.flipped.size === 0 && this.lost.size === 0;
  }

  #failNext(): void {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
  }
}

function rowsOf(rows: Map<string, Unconfirmed>): UnconfirmedRows {
  return {
    get: (key) => rows.get(key),
    all: () => byKey(rows.values()),
    put: (row) => rows.set(row.key, row),
    delete: (key) => rows.delete(key),
  };
}

function ahead(before: number | undefined, said: number | undefined): number | undefined {
  return said === undefined ? before : Math.max(said, before ?? 0);
}

/** As a database has its rows. */
function byKey<T extends { readonly key: string }>(rows: Iterable<T>): readonly T[] {
  return [...rows].sort((a, b) => (a.key < b.key ? -1 : 1));
}

function digestOf(set: Iterable<Intent>, unread: Iterable<UnreadRow>): string {
  let sum = 0n;
  for (const each of set) sum += elementOf(each);
  for (const each of unread) sum += elementOfRow(each);
  return addDigest(EMPTY_DIGEST, sum);
}

function elementOf(intent: Intent): bigint {
  return elementOfRow({ key: intent.key, rev: intent.rev, body: intentBody(intent) });
}

function elementOfRow({ key, rev, body }: UnreadRow): bigint {
  return elementDigest(key, rev, body);
}
