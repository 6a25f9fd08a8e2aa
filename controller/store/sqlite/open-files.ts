import { type BigIntStats, statSync } from 'node:fs';
import { StoreError } from '../../model/store-error.ts';

/** A database and the write-ahead log beside it, once that is there, by the files that are open. */
export class OpenFiles {
  readonly #path: string;
  readonly #paths: readonly string[];
  readonly #open = new Map<string, Pick<BigIntStats, 'dev' | 'ino'>>();

  constructor(path: string) {
    this.#path = path;
    this.#paths = [path, `${path}-wal`];
    this.#open.set(path, statSync(path, { bigint: true }));
  }

  /** Their sizes and times, as text: whoever writes into one moves it. */
  moment(): string {
    return this.#paths.map((path) => momentOf(statOf(path))).join();
  }

  /**
   * The same. Errors: StoreError REPLACED when the paths no longer lead to the files that are open: what is written there, nobody
   * will find. A backup that was copied over the database leaves its inode as it was, but not that of the log beside it.
   */
  requireSame(): string {
    return this.#paths.map((path) => momentOf(this.#same(path, statOf(path)))).join();
  }

  #same(path: string, now: BigIntStats | undefined): BigIntStats | undefined {
    const known = this.#open.get(path) ?? now;
    if (known === undefined) return now;
    this.#open.set(path, known);
    if (now?.ino === known.ino && now.dev === known.dev) return now;
    const what = now === undefined ? 'removed' : 'replaced';
    throw new StoreError(
      'REPLACED',
      `database ${this.#path}: ${path} was ${what} under the running controller; restart every controller that uses it`,
    );
  }
}

function statOf(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}

function momentOf(found: BigIntStats | undefined): string {
  return found === undefined ? 'none' : `${found.size} ${found.mtimeNs}`;
}
