import { moveLog } from '../../daemon/sqlite-log.ts';
import { CHECKPOINT_PAGES, type OpenDatabase } from './database.ts';

/** A commit of so many rows does not move the log. */
const LARGE_ROWS = 100;
/** So many rows in such commits are moved together. */
const MANY_ROWS = 20_000;

/**
 * Has a thread of its own move SQLite's write-ahead log into the database where much is written: a commit that does it stands still for
 * that. Commits of few rows do it themselves, as ever.
 */
export class LogMover {
  readonly #database: () => OpenDatabase['raw'];
  /** Commits that are under way. */
  #under = 0;
  #rows = 0;
  #moving: Promise<void> | undefined;

  constructor(database: () => OpenDatabase['raw']) {
    this.#database = database;
  }

  /** Does a transaction of so many rows. */
  async spare<T>(rows: number, transact: () => Promise<T>): Promise<T> {
    if (rows < LARGE_ROWS) return await transact();
    this.#under += 1;
    this.#setPages(0);
    try {
      return await transact();
    } finally {
      this.#under -= 1;
      this.#rows += rows;
      if (this.#rows >= MANY_ROWS) this.#moving ??= this.#move();
      else this.#restore();
    }
  }

  /** Resolves once no thread of its own is at work. */
  async rest(): Promise<void> {
    while (this.#moving !== undefined) await this.#moving;
  }

  async #move(): Promise<void> {
    while (this.#rows >= MANY_ROWS) {
      this.#rows = 0;
      await moveLog(this.#database().name).catch(() => {}); // commits to come do it
    }
    this.#moving = undefined;
    this.#restore();
  }

  #restore(): void {
    if (this.#under === 0 && this.#moving === undefined) this.#setPages(CHECKPOINT_PAGES);
  }

  /** With so many pages a commit moves the log; 0: never. Of a store that is closed, whoever transacts says so. */
  #setPages(pages: number): void {
    const database = this.#database();
    if (database.open) database.pragma(`wal_autocheckpoint = ${pages}`);
  }
}
