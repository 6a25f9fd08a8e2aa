import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { DesiredStore, Recorder } from '../../agent/ports.ts';
import { SqliteStore } from '../../agent/store/sqlite-store.ts';
import { DATABASE_NAME } from '../../agent/store/tables.ts';
import type { Clock } from '../../daemon/clock.ts';
import { agentMigrations } from '../../migrations/agent/index.ts';

/** A file system in memory, where there is one. */
const SHARED_MEMORY = '/dev/shm';

/** The state directory of a host; its store is the real one. */
export class SqliteDisk implements Disposable {
  readonly #directory = mkdtempSync(join(existsSync(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir(), 'shunt-sim-'));
  readonly #file = join(this.#directory, DATABASE_NAME);
  /** Of the agent that runs, or ran last. */
  #store: Promise<SqliteStore> | undefined;

  /** Opens the store with the first call. */
  open(host: string, clock: Clock): DesiredStore & Recorder {
    void this.#close();
    const store = SqliteStore.open({ directory: this.#directory, host, migrations: agentMigrations, clock });
    this.#store = store;
    return {
      load: async (at) => (await store).load(at),
      accept: async (...args) => (await store).accept(...args),
      confirm: async (...args) => (await store).confirm(...args),
      move: async (...args) => (await store).move(...args),
      noteTime: async (at) => (await store).noteTime(at),
      remember: async (beside) => (await store).remember(beside),
      saveEntries: async (...args) => (await store).saveEntries(...args),
      record: async (events) => (await store).record(events),
      history: async (key) => (await store).history(key),
      recent: async (...args) => (await store).recent(...args),
      requireSame() {}, // it is opened with the first call
      close: async () => (await store).close(),
    };
  }

  /** A copy of the database; undefined while there is none. */
  copy(): Buffer | undefined {
    return existsSync(this.#file) ? this.#on((database) => database.serialize()) : undefined;
  }

  /** Another disk: an empty one, or one as it was. No agent may run on it. */
  replace(copy: Buffer | undefined): void {
    void this.#close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(this.#file + suffix, { force: true });
    if (copy !== undefined) writeFileSync(this.#file, copy, { mode: 0o600 });
  }

  /** As a bit does that flips in the row of an intent. */
  flip(key: string): void {
    this.#on((database) => database.prepare(`update intents set body = '#' || substr(body, 2) where key = ?`).run(key));
  }

  loseRow(key: string): void {
    this.#on((database) => database.prepare('delete from intents where key = ?').run(key));
  }

  [Symbol.dispose](): void {
    void this.#close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #on<T>(work: (database: Database.Database) => T): T {
    const database = new Database(this.#file);
    try {
      return work(database);
    } finally {
      database.close();
    }
  }

  async #close(): Promise<void> {
    await (await this.#store)?.close();
  }
}
