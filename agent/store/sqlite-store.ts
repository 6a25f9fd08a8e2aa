import { join } from 'node:path';
import { atOnce, type Parts } from '../../daemon/parts.ts';
import { patiently } from '../../daemon/patiently.ts';
import { syncLog } from '../../daemon/sqlite-log.ts';
import { addDigest, EMPTY_DIGEST } from '../../protocol/digest.ts';
import type { Event } from '../../protocol/event.ts';
import type { BootTime } from '../model/boot-time.ts';
import { type EntryState, unarmed } from '../model/state.ts';
import { StoreError } from '../model/store-error.ts';
import type { Acceptance, Beside, Candidate, ConfirmationNews, Move, Stored } from '../model/stored.ts';
import { outdatedOf, type StoredValue, type Unconfirmed } from '../model/unconfirmed.ts';
import type { DesiredStore, Recorded, Recorder } from '../ports.ts';
import { moveAside, type Synchronous, synchronously } from './database.ts';
import { EventFile } from './event-file.ts';
import type { EventTable } from './event-table.ts';
import { isDamage, toStoreError } from './failure.ts';
import { transactInTurns } from './in-parts.ts';
import { LogMover } from './log-mover.ts';
import { isWhole, openTables, pathIn, patienceBy, readPosition, type StorePlace, type Tables } from './tables.ts';

export const EVENTS_NAME = 'events.db';

/** A set with more changes is laid part by part. */
const CHANGES_AT_ONCE = 500;

/** Changes do not make the set that their digest promises; `sound` is false when a stored row in the way is damaged. */
class Mismatch extends Error {
  readonly sound: boolean;

  constructor(sound: boolean) {
    super('the set has another digest');
    this.sound = sound;
  }
}

/**
 * Desired state in one SQLite file, and the flight recorder in another. Every commit of the first is on the disk before its
 * promise resolves, but for states that need not last. Calls run on the calling thread, one transaction each; an ordinary one takes
 * the disk's sync. All is read, and very many changes laid, a part at a time: what others in their turn want of the store waits for
 * it. While another process holds the lock they wait, each for itself and for a second at most (StoreError BUSY).
 * A failed write (StoreError IO), a damaged page, or a path that leads to another file or none (REPLACED) leaves the store refusing
 * everything: the caller ends the process.
 */
export class SqliteStore implements DesiredStore, Recorder {
  readonly #place: StorePlace;
  readonly #path: string;
  readonly #events: EventFile;
  #tables: Tables;
  /** The file itself could not be read, and a new one stands in its place, which no whole set was laid into yet. */
  #replaced: boolean;
  #broken: StoreError | undefined;
  readonly #log = new LogMover(() => this.#tables.database.raw);
  /** A transaction that is under way while others have their turn. */
  #laying: Promise<unknown> | undefined;

  private constructor(place: StorePlace, opened: { tables: Tables; replaced: boolean }) {
    this.#place = place;
    this.#path = pathIn(place);
    this.#events = new EventFile(join(place.directory, EVENTS_NAME));
    this.#tables = opened.tables;
    this.#replaced = opened.replaced;
  }

  /**
   * Opens the store of a host in its state directory, or makes it. A file that is no database is moved aside.
   * Errors: StoreError ACCESS, READ_ONLY, BUSY, FULL, IO, NEWER_SCHEMA, OTHER_HOST.
   */
  static async open(place: StorePlace): Promise<SqliteStore> {
    const open = (): Promise<Tables> => patiently(() => openTables(place), patienceBy(place));
    const opened = await open().then(
      (tables) => ({ tables, replaced: false }),
      async (error: unknown) => {
        if (!isDamage(error)) throw error;
        moveAside(pathIn(place));
        return { tables: await open(), replaced: true };
      },
    );
    return new SqliteStore(place, opened);
  }

  async load(at?: BootTime): Promise<Stored> {
    const stored = await this.#load();
    const outdated = outdatedOf(stored.unconfirmed, stored.intents);
    const valid = (rows: readonly Unconfirmed[]) => rows.filter(({ key }) => !outdated.has(key));
    if (outdated.size > 0) await this.#perhaps('forget', ({ awaited }) => awaited.forget(outdated));
    const moved = at && (await this.#transact('load', ({ awaited }) => awaited.afterBoot(at)));
    if (at === undefined || moved === undefined) return { ...stored, unconfirmed: valid(stored.unconfirmed) };
    await this.#perhaps('go on', ({ awaited }) => awaited.goOn(at));
    return { ...stored, entries: stored.entries.map(unarmed), unconfirmed: valid(moved) };
  }

  /** What the disk does not take now is done at another start. */
  async #perhaps(what: string, work: (tables: Tables) => void): Promise<void> {
    await this.#transact(what, work).catch((error: unknown) => {
      if (!(error instanceof StoreError) || !error.passing) throw error;
    });
  }

  async #load(): Promise<Stored> {
    try {
      return await this.#partByPart('load', (tables) => this.#read(tables));
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#tables.database.raw.close();
      moveAside(this.#path);
      this.#tables = await patiently(() => openTables(this.#place), patienceBy(this.#place));
      this.#replaced = true;
      this.#broken = undefined;
      return this.#partByPart('load', (tables) => this.#read(tables));
    }
  }

  async accept(candidate: Candidate, afterSeq = 0, beside: Beside = {}): Promise<Acceptance> {
    try {
      const lay = (tables: Tables) => this.#lay(tables, candidate, afterSeq, beside);
      const { length } = candidate.changes;
      const parts = () => this.#partByPart('accept', lay, () => syncLog(this.#path));
      const whole = () => this.#transact('accept', (it) => atOnce(lay(it)));
      const acceptance = await this.#log.spare(length, length > CHANGES_AT_ONCE ? parts : whole);
      if (candidate.base === 'empty') this.#replaced = false;
      return acceptance;
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      const whole = await this.#transact('verify', ({ cursor, intents }) => {
        return isWhole(intents.verify(), readPosition(cursor, this.#place.host));
      });
      return { outcome: 'mismatch', sound: error.sound && whole };
    }
  }

  async confirm(epoch: string, rev: number, now: () => BootTime): Promise<ConfirmationNews | undefined> {
    return await this.#transact('confirm', ({ cursor, awaited }) => {
      const { epoch: stored } = readPosition(cursor, this.#place.host).cursor;
      return epoch === stored ? awaited.confirm(epoch, rev, now) : undefined;
    });
  }

  async move(kind: Move, of: readonly Pick<Unconfirmed, 'key' | 'rev'>[], at: BootTime) {
    return await this.#transact(kind, ({ awaited }) => awaited.move(kind, of, at));
  }

  async noteTime(at: BootTime): Promise<void> {
    await this.#transact('note the time', ({ awaited }) => awaited.noteTime(at));
  }

  async remember(beside: Pick<Beside, 'brake'>): Promise<void> {
    await this.#transact('remember', (tables) => {
      const { seq } = readPosition(tables.cursor, this.#place.host);
      remember(tables, beside, { before: seq, seq });
    });
  }

  async saveEntries(entries: readonly EntryState[], forget: readonly string[], lasts = true): Promise<void> {
    const sync = lasts ? 'FULL' : 'NORMAL';
    const save = (tables: Tables): void => tables.entries.save(entries, forget);
    await this.#log.spare(entries.length + forget.length, () => this.#transact('save entries', save, sync));
  }

  async record(events: readonly Event[]): Promise<void> {
    await this.#recorder((table) => table.record(events));
  }

  async history(key: string): Promise<readonly Event[]> {
    return this.#recorder((table) => table.ofKey(key));
  }

  async recent(before: number, limit: number): Promise<Recorded> {
    return this.#recorder((table) => table.before(before, limit));
  }

  requireSame(): void {
    if (this.#broken !== undefined) throw this.#broken;
    try {
      this.#tables.requireSame();
    } catch (error) {
      throw this.#known(error, 'look');
    }
  }

  async close(): Promise<void> {
    while (this.#laying !== undefined) await this.#laying;
    await this.#log.rest();
    this.#broken ??= new StoreError('CLOSED', this.#path, 'is closed');
    this.#tables.database.raw.close();
    this.#events.close();
  }

  /** Errors: Mismatch, which rolls it all back: the digest is known only once every row is written. */
  *#lay(tables: Tables, candidate: Candidate, afterSeq: number, beside: Beside): Parts<Acceptance> {
    const { cursor, intents, entries, awaited } = tables;
    const { host } = this.#place;
    const position = readPosition(cursor, host);
    const anew = candidate.base === 'empty';
    const storedOf = (key: string): StoredValue | undefined => {
      const intent = intents.get(key);
      return intent && { intent, asleep: entries.isIdle(key) };
    };
    const wanting = candidate.changes.some(({ confirm }) => confirm !== undefined);
    if (wanting || anew) entries.setForOlder(!wanting);
    yield;
    const news = awaited.lay(position.cursor.epoch, candidate, storedOf, beside.now ?? unknownTime);
    const laid = yield* anew ? intents.layAnew(candidate.changes) : intents.layOver(candidate.changes);
    const digest = addDigest(anew ? EMPTY_DIGEST : position.digest, laid.delta);
    if (!laid.sound || digest !== candidate.digest) throw new Mismatch(laid.sound);
    const seq = Math.max(position.seq, afterSeq) + 1;
    cursor.write({ host, cursor: candidate.cursor, digest, seq });
    remember(tables, beside, { before: position.sound ? position.seq : undefined, seq });
    return { outcome: 'accepted', seq, whole: anew, put: laid.put, removed: laid.removed, ...(news && { news }) };
  }

  *#read({ cursor, intents, entries, awaited, brake }: Tables): Parts<Stored> {
    const position = readPosition(cursor, this.#place.host);
    const set = yield* intents.load();
    const rows = yield* entries.load(set.intents);
    const braked = brake.load(position.sound ? position.seq : undefined);
    const waiting = awaited.load(position.cursor.epoch);
    return {
      sound: !this.#replaced && position.sound && isWhole(set, position),
      newer: position.newer || set.newer || rows.newer || waiting.newer,
      cursor: position.cursor,
      digest: position.digest,
      seq: position.seq,
      intents: set.intents,
      entries: rows.entries,
      confirmed: waiting.confirmed,
      unconfirmed: waiting.rows,
      ...(braked !== undefined && { brake: braked }),
    };
  }

  async #transact<T>(what: string, work: (tables: Tables) => T, sync: Synchronous = 'FULL'): Promise<T> {
    while (this.#laying !== undefined) await this.#laying;
    const attempt = async (): Promise<T> => {
      while (this.#laying !== undefined) await this.#laying; // it may have begun while this one paused
      return this.#attempt(what, work, sync);
    };
    return await patiently(attempt, patienceBy(this.#place));
  }

  /** Runs one transaction in which others have their turn; whatever else is to be done waits for its end. */
  async #partByPart<T>(what: string, work: (tables: Tables) => Parts<T>, written?: () => Promise<void>): Promise<T> {
    while (this.#laying !== undefined) await this.#laying;
    const attempt = async (): Promise<T> => {
      this.requireSame();
      try {
        return await transactInTurns(this.#tables.database.raw, this.#place.clock, work(this.#tables), written);
      } catch (error) {
        throw this.#known(error, what);
      }
    };
    const done = patiently(attempt, patienceBy(this.#place));
    this.#laying = done
      .catch(() => {})
      .finally(() => {
        this.#laying = undefined;
      });
    return await done;
  }

  /** Its errors leave the store as it is. */
  #recorder<T>(work: (table: EventTable) => T): Promise<T> {
    const attempt = (): T => {
      if (this.#broken !== undefined) throw this.#broken;
      return this.#events.run(work);
    };
    return patiently(attempt, patienceBy(this.#place));
  }

  /** Runs one transaction. An error that leaves SQLite's own state in doubt is remembered and thrown ever after. */
  #attempt<T>(what: string, work: (tables: Tables) => T, sync: Synchronous): T {
    this.requireSame();
    try {
      using _ = synchronously(this.#tables.database.raw, sync);
      return this.#tables.database.raw.transaction(() => work(this.#tables)).immediate();
    } catch (error) {
      throw this.#known(error, what);
    }
  }

  #known(error: unknown, what: string): unknown {
    const known = toStoreError(error, this.#path, what);
    if (known instanceof StoreError && !known.passing) this.#broken = known;
    return known;
  }
}

/** Nothing is in time or late where nobody says what time it is. */
function unknownTime(): BootTime {
  return { boot: '', ms: 0 };
}

/** Remembers what changed beside the set; `before` is the commit that this one follows, where that is known. */
function remember(
  { brake }: Tables,
  beside: Pick<Beside, 'brake'>,
  { before, seq }: { readonly before: number | undefined; readonly seq: number },
): void {
  if (beside.brake !== undefined) brake.save(beside.brake, before, seq);
}
