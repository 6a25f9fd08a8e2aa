import { join } from 'node:path';
import { type Patience, patiently } from '../../daemon/patiently.ts';
import { NO_CURSOR } from '../../protocol/cursor.ts';
import { addDigest, EMPTY_DIGEST } from '../../protocol/digest.ts';
import type { Event } from '../../protocol/event.ts';
import type { EntryState } from '../model/state.ts';
import { StoreError } from '../model/store-error.ts';
import type { Acceptance, Candidate, DesiredStore, Recorded, Recorder, Stored } from '../ports.ts';
import { CursorTable, type Position } from './cursor-row.ts';
import { type Migrations, moveAside, type OpenDatabase, openDatabase } from './database.ts';
import { EntryTable } from './entry-table.ts';
import { EventFile } from './event-file.ts';
import type { EventTable } from './event-table.ts';
import { toStoreError } from './failure.ts';
import { IntentTable } from './intent-table.ts';

export const DATABASE_NAME = 'agent.db';
export const EVENTS_NAME = 'events.db';

/** Whoever else opens the database, to copy it or to look, is through with its lock by then; else it is busy for now. */
const BUSY_LIMIT_MS = 1_000;

/** Where a store lives, and whose it is. */
export interface StorePlace {
  /** The host's state directory. */
  readonly directory: string;
  readonly host: string;
  /** `migrations/agent`, oldest first. */
  readonly migrations: Migrations;
  /** By which it is waited for a lock that another process holds. */
  readonly clock: Patience['clock'];
}

/** Changes do not make the set that their digest promises; `sound` is false when a stored row in the way is damaged. */
class Mismatch extends Error {
  readonly sound: boolean;

  constructor(sound: boolean) {
    super('the set has another digest');
    this.sound = sound;
  }
}

/** An open database with what is prepared on it. */
interface Tables {
  readonly database: OpenDatabase;
  readonly cursor: CursorTable;
  readonly intents: IntentTable;
  readonly entries: EntryTable;
}

/**
 * Desired state in one SQLite file, and the flight recorder in another. Every commit of the first is on the disk before its
 * promise resolves. Calls run on the calling thread, one transaction each: 100,000 changes take about a second, an ordinary
 * one the disk's sync. While another process holds the lock they wait, each for itself and for a second at most (StoreError
 * BUSY).
 * A failed write (StoreError IO) or a damaged page leaves the store refusing everything: the caller ends the process.
 */
export class SqliteStore implements DesiredStore, Recorder {
  readonly #place: StorePlace;
  readonly #path: string;
  readonly #events: EventFile;
  #tables: Tables;
  /** The file itself could not be read, and a new one stands in its place, which no whole set was laid into yet. */
  #replaced: boolean;
  #broken: StoreError | undefined;

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

  async load(): Promise<Stored> {
    try {
      return await this.#transact('load', (tables) => this.#read(tables));
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#tables.database.raw.close();
      moveAside(this.#path);
      this.#tables = await patiently(() => openTables(this.#place), patienceBy(this.#place));
      this.#replaced = true;
      this.#broken = undefined;
      return this.#transact('load', (tables) => this.#read(tables));
    }
  }

  async accept(candidate: Candidate, afterSeq = 0): Promise<Acceptance> {
    try {
      const acceptance = await this.#transact('accept', (tables) => this.#lay(tables, candidate, afterSeq));
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

  async saveEntries(entries: readonly EntryState[], forget: readonly string[]): Promise<void> {
    await this.#transact('save entries', (tables) => tables.entries.save(entries, forget));
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

  async close(): Promise<void> {
    this.#broken ??= new StoreError('CLOSED', this.#path, 'is closed');
    this.#tables.database.raw.close();
    this.#events.close();
  }

  /** Errors: Mismatch, which rolls it all back: the digest is known only once every row is written. */
  #lay({ cursor, intents }: Tables, candidate: Candidate, afterSeq: number): Acceptance {
    const { host } = this.#place;
    const position = readPosition(cursor, host);
    const anew = candidate.base === 'empty';
    const laid = anew ? intents.layAnew(candidate.changes) : intents.layOver(candidate.changes);
    const digest = addDigest(anew ? EMPTY_DIGEST : position.digest, laid.delta);
    if (!laid.sound || digest !== candidate.digest) throw new Mismatch(laid.sound);
    const seq = Math.max(position.seq, afterSeq) + 1;
    cursor.write({ host, cursor: candidate.cursor, digest, seq });
    return { outcome: 'accepted', seq, whole: anew, put: laid.put, removed: laid.removed };
  }

  #read({ cursor, intents, entries }: Tables): Stored {
    const position = readPosition(cursor, this.#place.host);
    const set = intents.load();
    const rows = entries.load();
    return {
      sound: !this.#replaced && position.sound && isWhole(set, position),
      newer: position.newer || set.newer || rows.newer,
      cursor: position.cursor,
      digest: position.digest,
      seq: position.seq,
      intents: set.intents,
      entries: rows.entries,
    };
  }

  #transact<T>(what: string, work: (tables: Tables) => T): Promise<T> {
    return patiently(() => this.#attempt(what, work), patienceBy(this.#place));
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
  #attempt<T>(what: string, work: (tables: Tables) => T): T {
    if (this.#broken !== undefined) throw this.#broken;
    try {
      return this.#tables.database.raw.transaction(() => work(this.#tables)).immediate();
    } catch (error) {
      const known = toStoreError(error, this.#path, what);
      if (known instanceof StoreError && !known.passing) this.#broken = known;
      throw known;
    }
  }
}

function pathIn({ directory }: StorePlace): string {
  return join(directory, DATABASE_NAME);
}

function patienceBy({ clock }: StorePlace): Patience {
  return { isBusy: (error) => error instanceof StoreError && error.code === 'BUSY', limitMs: BUSY_LIMIT_MS, clock };
}

async function openTables(place: StorePlace): Promise<Tables> {
  const path = pathIn(place);
  const database = await openDatabase(path, place.migrations);
  try {
    const tables = {
      database,
      cursor: new CursorTable(database),
      intents: new IntentTable(database),
      entries: new EntryTable(database),
    };
    claim(tables.cursor, place.host, path);
    return tables;
  } catch (error) {
    database.raw.close();
    throw toStoreError(error, path, 'open');
  }
}

/** Makes a new store this host's, and refuses another's. */
function claim(cursor: CursorTable, host: string, path: string): void {
  const found = cursor.read();
  if (found === undefined) {
    cursor.write({ host, cursor: NO_CURSOR, digest: EMPTY_DIGEST, seq: 0 });
  } else if (typeof found === 'object' && found.host !== host) {
    throw new StoreError(
      'OTHER_HOST',
      path,
      `belongs to host ${found.host}, and this is ${host}; use its own state directory`,
    );
  }
}

/** A row that is damaged, or cannot be read, claims nothing. */
function readPosition(
  cursor: CursorTable,
  host: string,
): Position & { readonly sound: boolean; readonly newer: boolean } {
  const found = cursor.read();
  if (typeof found === 'object') return { ...found, sound: true, newer: false };
  return { host, cursor: NO_CURSOR, digest: EMPTY_DIGEST, seq: 0, sound: false, newer: found === 'newer' };
}

function isWhole(set: { readonly sum: bigint; readonly sound: boolean }, { digest }: Position): boolean {
  return set.sound && addDigest(EMPTY_DIGEST, set.sum) === digest;
}

function isDamage(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'DAMAGED';
}
