import { type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { StoreError } from '../../model/store-error.ts';
import type { Query } from '../query.ts';
import type { Schema } from '../schema.ts';
import { storeErrorOf } from './sqlite-error.ts';

/** Marks the file as a controller's: "SHcl". Another program's database is not touched. */
const APPLICATION_ID = 0x5348636c;
/** SQLite waits this long inside a call, with the process standing still; longer waits are made between calls. */
const BUSY_CALL_MS = 50;
const BUSY_PAUSE_MS = 20;
/** An apply of 100,000 specs by another controller holds the lock for seconds. */
const BUSY_LIMIT_MS = 30_000;

/** By name, oldest first. */
export type Migrations = Readonly<Record<string, Migration>>;

/** Runs compiled statements within one transaction. */
export interface Session {
  all<Values, Row>(query: Query<Values, Row>, values: Values): Promise<Row[]>;
  first<Values, Row>(query: Query<Values, Row>, values: Values): Promise<Row | undefined>;
  /** Answers how many rows it changed. */
  run<Values>(query: Query<Values, unknown>, values: Values): Promise<number>;
}

/**
 * The controller's database file: one connection that writes and one that reads, each with one transaction at a time, so
 * that pages go out while a long write is under way. A transaction may let the event loop turn with `breathe`.
 * Errors: StoreError.
 */
export class Database implements AsyncDisposable {
  readonly path: string;
  /** Only compiles statements; they are run by sessions. */
  readonly compiler: Kysely<Schema>;
  /** Which files are open: the database, and its write-ahead log once it is there. */
  readonly #files = new Map<string, Pick<Stats, 'dev' | 'ino'>>();
  readonly #writer: Connection;
  readonly #reader: Connection;
  #closed = false;

  private constructor(path: string, writer: BetterSqlite3.Database, reader: BetterSqlite3.Database) {
    this.path = path;
    this.#files.set(path, statSync(path));
    this.compiler = new Kysely<Schema>({ dialect: new SqliteDialect({ database: writer }) });
    this.#writer = new Connection(path, writer);
    this.#reader = new Connection(path, reader);
  }

  /** Opens the file, makes it when it is not there, and brings its tables up to date. */
  static async open(path: string, migrations: Migrations): Promise<Database> {
    try {
      return await patiently(async () => {
        using connections = new DisposableStack();
        const writer = connections.adopt(connect(path), (database) => database.close());
        await migrate(writer, path, migrations);
        const reader = connections.adopt(connect(path), (database) => database.close());
        const database = new Database(path, writer, reader);
        connections.move();
        return database;
      }, path);
    } catch (error) {
      throw storeErrorOf(error, path);
    }
  }

  /** Reads one consistent state. */
  read<T>(work: (session: Session) => Promise<T>): Promise<T> {
    this.requireSameFile();
    return this.#reader.transact('begin', work);
  }

  /** Writes all or nothing; what it answers is on the disk. */
  async write<T>(work: (session: Session) => Promise<T>): Promise<T> {
    this.requireSameFile();
    return this.#writer.transact('begin immediate', work);
  }

  /**
   * Throws REPLACED when the paths no longer lead to the files that are open: what is written there, nobody will find. A
   * backup that was copied over the database leaves its inode as it was, but not that of the log beside it.
   */
  requireSameFile(): void {
    for (const path of [this.path, `${this.path}-wal`]) {
      const now = statSync(path, { throwIfNoEntry: false });
      const known = this.#files.get(path) ?? now;
      if (known === undefined) continue;
      this.#files.set(path, known);
      if (now?.ino === known.ino && now.dev === known.dev) continue;
      const what = now === undefined ? 'removed' : 'replaced';
      throw new StoreError(
        'REPLACED',
        `database ${this.path}: ${path} was ${what} under the running controller; restart every controller that uses it`,
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writer.close();
    await this.#reader.close();
  }
}

/** Lets the event loop turn in the middle of a long transaction. */
export async function breathe(): Promise<void> {
  await setImmediate();
}

class Connection implements Session {
  readonly #path: string;
  readonly #database: BetterSqlite3.Database;
  readonly #prepared = new Map<object, BetterSqlite3.Statement<unknown[], unknown>>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(path: string, database: BetterSqlite3.Database) {
    this.#path = path;
    this.#database = database;
  }

  async all<Values, Row>(query: Query<Values, Row>, values: Values): Promise<Row[]> {
    return this.#statement(query).all(...query.bind(values)) as Row[];
  }

  async first<Values, Row>(query: Query<Values, Row>, values: Values): Promise<Row | undefined> {
    return this.#statement(query).get(...query.bind(values)) as Row | undefined;
  }

  async run<Values>(query: Query<Values, unknown>, values: Values): Promise<number> {
    return this.#statement(query).run(...query.bind(values)).changes;
  }

  transact<T>(begin: string, work: (session: Session) => Promise<T>): Promise<T> {
    return this.#next(async () => {
      try {
        await patiently(async () => this.#database.exec(begin), this.#path);
        const result = await work(this);
        this.#database.exec('commit');
        return result;
      } catch (error) {
        if (this.#database.inTransaction) this.#database.exec('rollback');
        throw storeErrorOf(error, this.#path);
      }
    });
  }

  close(): Promise<void> {
    return this.#next(async () => {
      this.#database.close();
    });
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {}); // the caller has the error; the next in line is not concerned
    return result;
  }

  #statement<Values, Row>(query: Query<Values, Row>): BetterSqlite3.Statement<unknown[], unknown> {
    const known = this.#prepared.get(query);
    if (known !== undefined) return known;
    const statement = this.#database.prepare<unknown[], unknown>(query.sql);
    this.#prepared.set(query, statement);
    return statement;
  }
}

function connect(path: string): BetterSqlite3.Database {
  if (statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new StoreError('UNUSABLE', `database ${path}: its folder is not there; make it, or name another with --db`);
  }
  const database = new BetterSqlite3(path, { timeout: BUSY_CALL_MS });
  try {
    requireOurs(database, path);
    database.pragma('journal_mode = wal');
    database.pragma('synchronous = full');
    database.pragma('foreign_keys = on');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function requireOurs(database: BetterSqlite3.Database, path: string): void {
  const id = database.pragma('application_id', { simple: true });
  if (id === APPLICATION_ID) return;
  const tables = database.prepare('select count(*) from sqlite_schema').pluck().get();
  if (id === 0 && tables === 0) return; // new
  throw new StoreError('FOREIGN', `database ${path} is not a controller's; give --db another file`);
}

/**
 * Makes or moves the tables in one transaction: a crash leaves the old ones, and of two controllers that start at once
 * one waits for the other. Kysely itself neither locks SQLite nor migrates it in a transaction.
 */
async function migrate(database: BetterSqlite3.Database, path: string, migrations: Migrations): Promise<void> {
  database.exec('begin immediate');
  try {
    requireNotNewer(database, path, migrations);
    database.pragma(`application_id = ${APPLICATION_ID}`);
    const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database }) });
    const provider = { getMigrations: async () => ({ ...migrations }) };
    const { error } = await new Migrator({ db, provider, disableTransactions: true }).migrateToLatest();
    if (error !== undefined) throw error;
    database.exec('commit');
  } finally {
    if (database.inTransaction) database.exec('rollback');
  }
}

/** Kysely would call this damage; it is a database that a newer release has written. */
function requireNotNewer(database: BetterSqlite3.Database, path: string, migrations: Migrations): void {
  const table = database.prepare(`select 1 from sqlite_schema where name = 'kysely_migration'`).get();
  if (table === undefined) return;
  const names = database.prepare<[], string>('select name from kysely_migration order by name').pluck().all();
  const strange = names.find((name) => !Object.hasOwn(migrations, name));
  if (strange === undefined) return;
  throw new StoreError(
    'NEWER',
    `database ${path} was written by a newer release (it has migration ${strange}); run that release`,
  );
}

/** Tries again while another process holds the lock. */
async function patiently<T>(attempt: () => Promise<T>, path: string): Promise<T> {
  const deadline = performance.now() + BUSY_LIMIT_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (cause) {
      const error = storeErrorOf(cause, path);
      if (!(error instanceof StoreError && error.code === 'BUSY') || performance.now() > deadline) throw error;
    }
    await setTimeout(BUSY_PAUSE_MS);
  }
}
