import BetterSqlite3 from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import type { Schema } from '../../controller/store/schema.ts';
import type { Database, Session } from '../../controller/store/session.ts';
import { Connection } from '../../controller/store/sqlite/connection.ts';
import { migrate } from '../../controller/store/sqlite/migrate.ts';
import { Tables } from '../../controller/store/tables/tables.ts';
import type { Clock } from '../../daemon/clock.ts';
import { controllerMigrations } from '../../migrations/controller/index.ts';

/** For whom a database is opened: whoever dies in the middle of a transaction leaves nothing of it. */
export interface Holder {
  guard<T extends object>(port: T): T;
  orEnd<T>(work: Promise<T>): Promise<T>;
}

const IMMORTAL: Holder = { guard: (port) => port, orEnd: (work) => work };

/** The controller's own tables in SQLite's memory: nothing waits for a disk. Controllers come and go on it. */
export class MemoryDatabase {
  readonly tables: Tables;
  readonly #clock: Clock;
  #connection: Connection;
  #database: BetterSqlite3.Database;

  private constructor(database: BetterSqlite3.Database, clock: Clock) {
    this.tables = new Tables(new Kysely<Schema>({ dialect: new SqliteDialect({ database }) }));
    this.#clock = clock;
    this.#database = database;
    this.#connection = this.#connect();
  }

  static async make(clock: Clock): Promise<MemoryDatabase> {
    const database = new BetterSqlite3(':memory:');
    await migrate(database, ':memory:', controllerMigrations);
    return new MemoryDatabase(database, clock);
  }

  /** As one controller has it; closing it leaves what is in it. */
  open(holder: Holder = IMMORTAL): Database {
    const transact = <T>(work: (session: Session) => Promise<T>) =>
      this.#connection.transact('begin immediate', (session) => holder.orEnd(work(holder.guard(session))));
    return holder.guard({
      path: ':memory:',
      look: () => 'same' as const,
      inspect: async () => true,
      confirm: async () => {},
      read: transact,
      write: transact,
      [Symbol.asyncDispose]: async () => {},
    });
  }

  /** The newest change of a key on a host, as it stands at this moment. */
  newest(host: string, key: string): { readonly op: 'put' | 'delete'; readonly rev: number } | undefined {
    const found = this.#database.prepare('select op, rev from changes where host = ? and key = ?').get(host, key);
    return found as { readonly op: 'put' | 'delete'; readonly rev: number } | undefined;
  }

  /** A copy of all that is in it now. */
  snapshot(): Buffer {
    return this.#database.serialize();
  }

  /** Puts a copy in its place; no controller may run on it. */
  restore(copy: Buffer): void {
    this.#database = new BetterSqlite3(copy);
    this.#connection = this.#connect();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  #connect(): Connection {
    return new Connection({ path: ':memory:', clock: this.#clock }, this.#database);
  }
}
