import BetterSqlite3 from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import type { Schema } from '../../controller/store/schema.ts';
import type { Database, Session } from '../../controller/store/session.ts';
import { Connection } from '../../controller/store/sqlite/connection.ts';
import { migrate } from '../../controller/store/sqlite/migrate.ts';
import { Tables } from '../../controller/store/tables/tables.ts';
import type { Clock } from '../../daemon/clock.ts';
import { controllerMigrations } from '../../migrations/controller/index.ts';

/** The controller's own tables in SQLite's memory: nothing waits for a disk. Controllers come and go on it. */
export class MemoryDatabase {
  readonly tables: Tables;
  readonly #connection: Connection;

  private constructor(database: BetterSqlite3.Database, clock: Clock) {
    this.tables = new Tables(new Kysely<Schema>({ dialect: new SqliteDialect({ database }) }));
    this.#connection = new Connection({ path: ':memory:', clock }, database);
  }

  static async make(clock: Clock): Promise<MemoryDatabase> {
    const database = new BetterSqlite3(':memory:');
    await migrate(database, ':memory:', controllerMigrations);
    return new MemoryDatabase(database, clock);
  }

  /** As one controller has it; closing it leaves what is in it. */
  open(): Database {
    const transact = <T>(work: (session: Session) => Promise<T>) => this.#connection.transact('begin immediate', work);
    return {
      path: ':memory:',
      look: () => 'same',
      inspect: async () => true,
      confirm: async () => {},
      read: transact,
      write: transact,
      [Symbol.asyncDispose]: async () => {},
    };
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
