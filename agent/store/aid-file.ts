import { readFileSync } from 'node:fs';
import { replacePrivateFile, shutOthersOut } from '../../daemon/private-file.ts';
import type { Reader } from '../../protocol/read.ts';

/**
 * A file of its own in the state directory, of JSON: it is no part of the set, and an aid only. One that cannot be read is
 * none.
 */
export class AidFile<T> {
  readonly #path: string;
  readonly #read: Reader<T>;

  constructor(path: string, read: Reader<T>) {
    this.#path = path;
    this.#read = read;
  }

  load(): T | undefined {
    try {
      shutOthersOut(this.#path);
      return this.#read(JSON.parse(readFileSync(this.#path, 'utf8')), '');
    } catch {
      return undefined;
    }
  }

  /** Errors: those of the file system. */
  save(written: T): void {
    replacePrivateFile(this.#path, JSON.stringify(written));
  }
}
