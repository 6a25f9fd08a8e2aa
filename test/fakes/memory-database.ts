import BetterSqlite3 from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { StoreError } from '../../controller/model/store-error.ts';
import type { Schema } from '../../controller/store/schema.ts';
import type { Database, Session } from '../../controller/store/session.ts';
import { Connection } from '../../controller/store/sqlite/connection.ts';
import { migrate } from '../../controller/store/sqlite/migrate.ts';
import { Tables } from '../../controller/store/tables/tables.ts';
import type { Clock } from '../../daemon/clock.ts';
import { controllerMigrations } from '../../migrations/controller/index.ts';
import type { Cursor } from '../../protocol/cursor.ts';
import { Lender } from './lent-database.ts';
import { Remembering } from './remembering.ts';

/** For whom a database is opened: whoever dies in the middle of a transaction leaves nothing of it. */
export interface Holder {
  guard<T extends object>(port: T): T;
  orEnd<T>(work: Promise<T>): Promise<T>;
}

const IMMORTAL: Holder = { guard: (port) => port, orEnd: (work) => work };

/** Tables that a controller can write anew, what is flipped there, and what tells their rows apart. */
const FLIPPED = {
  changes: { cell: 'body', key: 'host, key' },
  heads: { cell: 'digest', key: 'host' },
  hosts: { cell: 'status', key: 'host' },
} as const;

/** Databases without anything in them, and their statements: they are the same for all. */
let made: Promise<{ readonly lender: Lender; readonly tables: Tables }> | undefined;

async function makeOnce() {
  const database = new BetterSqlite3(':memory:');
  await migrate(database, ':memory:', controllerMigrations);
  return {
    lender: new Lender(database),
    tables: new Tables(new Kysely<Schema>({ dialect: new SqliteDialect({ database }) })),
  };
}

/** The controller's own tables in SQLite's memory: nothing waits for a disk. Controllers come and go on it. */
export class MemoryDatabase {
  readonly tables: Tables;
  /** Which of the next transactions that write find it busy: a bit for each, the lowest first. */
  busy = 0;
  readonly #clock: Clock;
  #connection: Connection;
  #session: Remembering;
  #database: BetterSqlite3.Database;
  #statements = new Map<string, BetterSqlite3.Statement>();
  /** What was read of what is committed, until something is written. */
  readonly #seen = new Map<string, Map<string, readonly unknown[]>>();
  /** Another one after each write, be it taken back. */
  version = 0;
  #closed = false;
  /** Is called when something was committed, or flipped, before anybody works on it. */
  onCommit: () => void = () => {};

  private constructor(database: BetterSqlite3.Database, tables: Tables, clock: Clock) {
    this.tables = tables;
    this.#clock = clock;
    this.#database = database;
    this.#connection = this.#connect();
    this.#session = this.#remembering();
  }

  static async make(clock: Clock): Promise<MemoryDatabase> {
    made ??= makeOnce();
    const { lender, tables } = await made;
    return new MemoryDatabase(lender.lend(), tables, clock);
  }

  /** As one controller has it; closing it leaves what is in it. */
  open(holder: Holder = IMMORTAL): Database {
    const session = this.#session;
    const guarded = holder.guard(session);
    const transact = async <T>(begin: string, work: (session: Session) => Promise<T>): Promise<T> => {
      if (this.#closed) throw new TypeError('the database is closed');
      try {
        const answer = await this.#connection.transact(begin, () => holder.orEnd(work(guarded)));
        if (begin !== 'begin') this.onCommit();
        return answer;
      } catch (error) {
        session.forget(); // what it wrote was taken back
        throw error;
      }
    };
    const write = async <T>(work: (session: Session) => Promise<T>): Promise<T> => {
      const isBusy = this.busy % 2 === 1;
      this.busy = Math.floor(this.busy / 2);
      if (isBusy) throw new StoreError('BUSY', 'database :memory:: somebody else has the database; try again');
      return await transact('begin immediate', work);
    };
    return holder.guard({
      path: ':memory:',
      look: () => 'same' as const,
      inspect: async () => true,
      confirm: async () => [],
      read: (work) => transact('begin', work),
      write,
      [Symbol.asyncDispose]: async () => {},
    });
  }

  /** The newest change of a key on a host, as it stands at this moment. */
  newest(host: string, key: string): { readonly op: 'put' | 'delete'; readonly rev: number } | undefined {
    const [found] = this.rows('select op, rev from changes where host = ? and key = ?', host, key);
    return found as { readonly op: 'put' | 'delete'; readonly rev: number } | undefined;
  }

  /** The status of each host that controllers go by, as its text. */
  reported(): readonly { readonly host: string; readonly status: string }[] {
    return this.rows('select host, status from hosts') as { host: string; status: string }[];
  }

  /** Every redirect that is asked for, as its text. */
  specs(): readonly string[] {
    return (this.rows('select spec from specs') as { spec: string }[]).map(({ spec }) => spec);
  }

  /** Whether its log has a cursor. */
  knows({ epoch, rev }: Cursor): boolean {
    return epoch === '' || rev <= (this.#endOf(epoch) ?? -1);
  }

  /** Whether its log decreed that whoever is in such an epoch begins anew (R7); `%` stands for whatever. */
  hasSuperseded(epoch: string): boolean {
    return this.rows('select epoch from epochs where epoch like ? and superseded = 1', epoch).length > 0;
  }

  /** Where each epoch of its log ends. */
  ends(): ReadonlyMap<string, number> {
    const rows = this.rows('select epoch from epochs') as readonly { readonly epoch: string }[];
    return new Map(rows.map(({ epoch }) => [epoch, this.#endOf(epoch) ?? 0]));
  }

  #endOf(epoch: string): number | undefined {
    const end = 'select min(first_rev) - 1 from epochs later where later.ordinal > epochs.ordinal';
    const last = 'select max(last_rev, coalesce((select max(rev) from heads), 0)) from meta';
    const [found] = this.rows(`select coalesce((${end}), (${last})) as rev from epochs where epoch = ?`, epoch);
    return (found as { readonly rev: number } | undefined)?.rev;
  }

  /** As a bit does that flips in one of the rows of a table; answers false where there are not so many. */
  flip(table: keyof typeof FLIPPED, which: number): boolean {
    const { cell, key } = FLIPPED[table];
    const row = `select ${key} from ${table} order by ${key} limit 1 offset ?`;
    const { changes: changed } = this.#database
      .prepare(`update ${table} set ${cell} = '#' || substr(${cell}, 2) where (${key}) = (${row})`)
      .run(which);
    this.#session.forget();
    this.onCommit();
    return changed > 0;
  }

  /** A copy of all that is in it now; no transaction may be under way. */
  snapshot(): Buffer {
    if (this.#database.inTransaction) throw new TypeError('a copy in the middle of a transaction');
    return this.#database.serialize();
  }

  /** Puts a copy in its place; no controller may run on it. */
  restore(copy: Buffer): void {
    this.#database = new BetterSqlite3(copy);
    this.#statements = new Map();
    this.#connection = this.#connect();
    this.#session = this.#remembering();
    this.#written();
  }

  /** Once it is closed another one may have what is below it. */
  async close(): Promise<void> {
    await this.#connection.close();
    this.#closed = true;
  }

  /** What a statement finds now. */
  rows(sql: string, ...values: readonly string[]): readonly unknown[] {
    const statement = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    if (this.#database.inTransaction) return statement.all(...values);
    const answers = this.#seen.get(sql) ?? new Map<string, readonly unknown[]>();
    this.#seen.set(sql, answers);
    const place = values.join(' ');
    const rows = answers.get(place) ?? statement.all(...values);
    answers.set(place, rows);
    return rows;
  }

  #written(tables?: ReadonlySet<string>): void {
    this.version += 1;
    for (const [sql, answers] of this.#seen) if (tables === undefined || names(sql, tables)) answers.clear();
  }

  #remembering(): Remembering {
    return new Remembering(this.#connection, (tables) => this.#written(tables));
  }

  #connect(): Connection {
    return new Connection({ path: ':memory:', clock: this.#clock }, this.#database);
  }
}

/** Whether a statement may look at one of some tables. */
function names(sql: string, tables: ReadonlySet<string>): boolean {
  for (const table of tables) if (sql.includes(table)) return true;
  return false;
}
