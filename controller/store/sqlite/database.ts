import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { OpenFiles } from '../../../daemon/open-files.ts';
import { patiently } from '../../../daemon/patiently.ts';
import { ExposedError, makePrivateDatabase } from '../../../daemon/private-file.ts';
import { moveLog } from '../../../daemon/sqlite-log.ts';
import { StoreError } from '../../model/store-error.ts';
import type { Schema } from '../schema.ts';
import type { Database, Look, Session } from '../session.ts';
import { Connection, type Place, patienceAt } from './connection.ts';
import { APPLICATION_ID, type Migrations, migrate } from './migrate.ts';
import { storeErrorOf, unreadable } from './sqlite-error.ts';
import { Watch } from './watch.ts';

/** SQLite waits this long inside a call, with the process standing still; longer waits are made between calls. */
const BUSY_CALL_MS = 50;
/** Of the database, who writes keeps so much at hand: pages of indices that a transaction comes back to again and again. */
const CACHE_KIB = 64 * 1024;
/**
 * Pages of 4 KiB that the write-ahead log may have before a commit moves them into the database. A change on a thousand hosts
 * may write two thousand: with SQLite's own thousand each such commit would write all of them twice, and wait for the disk twice.
 */
const MOVES_LOG = 'wal_autocheckpoint = 3000';
/** What is kept of a write-ahead log that an upload has made larger, once all of it is in the database. */
const LOG_BYTES = 4 * 2 ** 20;
const OWN = "it, what stands beside it and its folder must be the controller's own: chown them";

interface SqliteOptions {
  readonly migrations: Migrations;
  readonly clock: Place['clock'];
}

/**
 * The controller's database file: one connection that writes and one that reads, each with one transaction at a time, so
 * that pages go out while a long write is under way. A transaction may let the event loop turn.
 * Errors: StoreError.
 */
export class SqliteDatabase implements Database {
  readonly path: string;
  /** Only compiles statements; they are run by sessions. */
  readonly compiler: Kysely<Schema>;
  readonly #files: OpenFiles;
  readonly #writer: Connection;
  readonly #reader: Connection;
  readonly #watch: Watch;
  #writes = 0;
  /** Its files were found to be the same just now, for what comes next. */
  #isSame = false;
  /** Tables that were emptied when it was looked through last. */
  #emptied: readonly string[] = [];
  /** Resolves when nobody moves its log. */
  #moved = Promise.resolve();
  #closed = false;

  private constructor(place: Place, writer: BetterSqlite3.Database, reader: BetterSqlite3.Database) {
    const { path } = place;
    this.path = path;
    this.#files = new OpenFiles(path, (found, gone) => {
      const what = `${found} was ${gone} under the running controller`;
      return new StoreError('REPLACED', `database ${path}: ${what}; restart every controller that uses it`);
    });
    this.compiler = new Kysely<Schema>({ dialect: new SqliteDialect({ database: writer }) });
    this.#writer = new Connection(place, writer);
    this.#reader = new Connection(place, reader);
    this.#watch = new Watch(this.#files.moment(), () => this.#writer.version);
  }

  /** Opens the file, makes it when it is not there, and brings its tables up to date. */
  static async open(path: string, { migrations, clock }: SqliteOptions): Promise<SqliteDatabase> {
    try {
      return await patiently(async () => {
        makePrivate(path);
        using connections = new DisposableStack();
        const writer = connections.adopt(connectWriter(path), (database) => database.close());
        await migrate(writer, path, migrations);
        const reader = connections.adopt(connect(path), (database) => database.close());
        const database = new SqliteDatabase({ path, clock }, writer, reader);
        connections.move();
        return database;
      }, patienceAt({ path, clock }));
    } catch (error) {
      const known = storeErrorOf(error, path);
      throw known instanceof StoreError ? known : unreadable(path, error);
    }
  }

  /** While a write of our own is under way, what moves is that. */
  look(): Look {
    const files = this.#files.requireSame();
    this.#isSame = true;
    return this.#writes > 0 ? 'same' : this.#watch.look(files);
  }

  async inspect(): Promise<boolean> {
    this.#files.requireSame();
    try {
      await this.#reader.renew(() => connect(this.path));
      await this.#writer.renew(() => connectWriter(this.path));
      const disorder = await this.#writer.alone(disorderOf);
      this.#emptied = disorder === undefined ? [] : await this.#writer.alone(putInOrder);
      return disorder === undefined;
    } catch (error) {
      const known = storeErrorOf(error, this.path);
      if (known instanceof StoreError && known.code !== 'FOREIGN') throw known;
      throw unreadable(this.path, error); // it was ours when it was opened
    } finally {
      this.#watch.note(this.#files.moment());
    }
  }

  async confirm(): Promise<readonly string[]> {
    const found = await this.#writer.alone(disorderOf);
    if (found !== undefined) throw unreadable(this.path, found);
    return this.#emptied;
  }

  read<T>(work: (session: Session) => Promise<T>): Promise<T> {
    this.#requireSame();
    return this.#reader.transact('begin', work);
  }

  async write<T>(work: (session: Session) => Promise<T>): Promise<T> {
    this.#requireSame();
    this.#writes += 1;
    try {
      return await this.#writer.transact('begin immediate', work);
    } finally {
      this.#writes -= 1;
      this.#watch.note(this.#files.moment());
      if (this.#writer.takeLongLog()) this.#moved = this.#moved.then(() => this.#moveLog());
    }
  }

  /** Moves what a large transaction left in the log into the database, beside whoever waited for it and what comes next. */
  async #moveLog(): Promise<void> {
    this.#writes += 1;
    try {
      await moveLog(this.path);
      await this.#writer.alone((database) => database.pragma(MOVES_LOG));
    } finally {
      this.#writes -= 1;
      this.#watch.note(this.#files.moment());
    }
  }

  /** Who has looked need not look again for the next transaction. */
  #requireSame(): void {
    if (!this.#isSame) this.#files.requireSame();
    this.#isSame = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#moved;
    await this.#writer.close();
    await this.#reader.close();
  }
}

/** What operators wrote is nobody else's; SQLite alone would follow the umask. */
function makePrivate(path: string): void {
  requireFolder(path);
  try {
    makePrivateDatabase(path);
  } catch (error) {
    const known = storeErrorOf(error, path);
    if (known instanceof StoreError) throw known;
    const { message } = error as Error;
    const advice = error instanceof ExposedError ? '' : `; ${OWN}`;
    throw new StoreError('UNUSABLE', `database ${path}: ${message}${advice}`, error);
  }
}

function requireFolder(path: string): void {
  if (statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new StoreError('UNUSABLE', `database ${path}: its folder is not there; make it, or name another with --db`);
  }
}

function connectWriter(path: string): BetterSqlite3.Database {
  const database = connect(path);
  database.pragma(`cache_size = -${CACHE_KIB}`);
  return database;
}

function connect(path: string): BetterSqlite3.Database {
  requireFolder(path);
  const database = new BetterSqlite3(path, { timeout: BUSY_CALL_MS });
  try {
    requireOurs(database, path);
    database.pragma('journal_mode = wal');
    database.pragma('synchronous = full');
    database.pragma('foreign_keys = on');
    database.pragma(MOVES_LOG);
    database.pragma(`journal_size_limit = ${LOG_BYTES}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** What SQLite finds wrong with its pages, or with indices that are not those of their tables. */
function disorderOf(database: BetterSqlite3.Database): string | undefined {
  const found = database.pragma('integrity_check(1)', { simple: true });
  return found === 'ok' ? undefined : String(found);
}

/** What tells of the past alone: the fleet is as it is without it. A row of the others belongs to one of the first. */
const PAST = ['audit', 'audit_hosts', 'audit_names', 'deletions', 'rollout_evidence'] as const;

/** Makes indices anew; tables of the past that are not in order themselves are emptied. Answers which. */
function putInOrder(database: BetterSqlite3.Database): readonly string[] {
  const damaged = PAST.filter((table) => database.pragma(`integrity_check(${table})`, { simple: true }) !== 'ok');
  const emptied = damaged.includes('audit') ? PAST : damaged;
  for (const table of emptied) database.exec(`delete from ${table}`); // takes pages away and reads none
  database.exec('reindex');
  return emptied;
}

function requireOurs(database: BetterSqlite3.Database, path: string): void {
  const id = database.pragma('application_id', { simple: true });
  if (id === APPLICATION_ID) return;
  const tables = database.prepare('select count(*) from sqlite_schema').pluck().get();
  if (id === 0 && tables === 0) return; // new
  throw new StoreError('FOREIGN', `database ${path} is not a controller's; give --db another file`);
}
