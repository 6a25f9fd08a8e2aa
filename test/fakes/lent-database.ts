import BetterSqlite3 from 'better-sqlite3';

/** The rows of a table, and how they are put into it. */
interface Laid {
  readonly clear: BetterSqlite3.Statement;
  readonly put: BetterSqlite3.Statement | undefined;
  readonly rows: readonly (readonly unknown[])[];
}

/**
 * Databases in SQLite's memory, lent to one user after the other. Each finds what one that was made in the beginning has, and
 * nothing of those before; what is kept is the compiled statements, which would take a tenth of a simulation otherwise.
 */
export class Lender {
  readonly #free: BetterSqlite3.Database[] = [];
  readonly #schema: readonly string[];
  readonly #rows: ReadonlyMap<string, readonly (readonly unknown[])[]>;

  /** Those that are lent are as this one is now. */
  constructor(made: BetterSqlite3.Database) {
    const parts = made.prepare('select name, type, sql from sqlite_schema where sql is not null').all() as Part[];
    this.#schema = parts.map(({ sql }) => sql);
    const tables = parts.filter(({ type }) => type === 'table');
    this.#rows = new Map(
      tables.map(({ name }) => [name, made.prepare(`select * from "${name}"`).raw().all() as unknown[][]]),
    );
  }

  /** Closing it gives it back; whoever has statements of it is to run them no more. */
  lend(): BetterSqlite3.Database {
    return this.#free.pop() ?? this.#make();
  }

  #make(): BetterSqlite3.Database {
    const database = new BetterSqlite3(':memory:');
    for (const sql of this.#schema) database.exec(sql);
    const tables = [...this.#rows].map(([name, rows]) => laid(database, name, rows));
    const layAnew = (): void => {
      for (const { clear } of tables) clear.run();
      for (const { put, rows } of tables) for (const row of rows) put?.run(...row);
    };
    const compiled = new Map([
      ['begin', { run: () => {} } as unknown as BetterSqlite3.Statement],
      ['commit', commit(database)],
    ]);
    const lent: BetterSqlite3.Database = Object.create(database, {
      prepare: {
        value: (sql: string): BetterSqlite3.Statement => {
          const statement = compiled.get(sql) ?? database.prepare(sql);
          compiled.set(sql, statement);
          return statement;
        },
      },
      close: {
        value: (): void => {
          if (this.#free.includes(lent)) return;
          if (database.inTransaction) database.exec('rollback');
          layAnew();
          this.#free.push(lent);
        },
      },
    });
    layAnew();
    return lent;
  }
}

interface Part {
  readonly name: string;
  readonly type: string;
  readonly sql: string;
}

/** Who only reads has begun nothing: nobody else writes meanwhile. */
function commit(database: BetterSqlite3.Database): BetterSqlite3.Statement {
  const statement = database.prepare('commit');
  return { run: () => database.inTransaction && statement.run() } as unknown as BetterSqlite3.Statement;
}

function laid(database: BetterSqlite3.Database, name: string, rows: Laid['rows']): Laid {
  const places = rows[0]?.map(() => '?').join();
  const put = places === undefined ? undefined : database.prepare(`insert into "${name}" values (${places})`);
  return { clear: database.prepare(`delete from "${name}"`), put, rows };
}
