import { type BigIntStats, statSync } from 'node:fs';

export type Gone = 'removed' | 'replaced';

/** A database and the write-ahead log beside it, once that is there, by the files that are open. */
export class OpenFiles {
  readonly #paths: readonly string[];
  readonly #open = new Map<string, Pick<BigIntStats, 'dev' | 'ino'>>();
  readonly #errorOf: (path: string, gone: Gone) => Error;

  /** `errorOf` makes the error of a path that leads elsewhere than it did. */
  constructor(path: string, errorOf: (path: string, gone: Gone) => Error) {
    this.#paths = [path, `${path}-wal`];
    this.#errorOf = errorOf;
    this.#open.set(path, statSync(path, { bigint: true }));
  }

  /** Their sizes and times, as text: whoever writes into one moves it. */
  moment(): string {
    return this.#paths.map((path) => momentOf(statOf(path))).join();
  }

  /**
   * The same. Errors: that of a path that no longer leads to the file that is open: what is written there, nobody will find. A
   * backup that was copied over the database leaves its inode as it was, but not that of the log beside it.
   */
  requireSame(): string {
    return this.#paths.map((path) => momentOf(this.#same(path, statOf(path)))).join();
  }

  #same(path: string, now: BigIntStats | undefined): BigIntStats | undefined {
    const known = this.#open.get(path) ?? now;
    if (known === undefined) return now;
    this.#open.set(path, known);
    if (now?.ino === known.ino && now.dev === known.dev) return now;
    throw this.#errorOf(path, now === undefined ? 'removed' : 'replaced');
  }
}

function statOf(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}

function momentOf(found: BigIntStats | undefined): string {
  return found === undefined ? 'none' : `${found.size} ${found.mtimeNs}`;
}
