import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replacePrivateFile, shutOthersOut } from '../../daemon/private-file.ts';
import { object, type Reader, readWord } from '../../protocol/read.ts';
import { Refused } from '../../protocol/refused.ts';
import type { TimeStore } from '../ports.ts';

interface Written {
  /** Of the host: its monotonic clock begins anew with each boot. */
  readonly boot: string;
  readonly offsetMs: number;
}

const readOffset: Reader<number> = (value, path) => {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new Refused('BAD_FIELD', path, 'expected a number');
};

const readWritten = object<Written>({ boot: readWord, offsetMs: readOffset });

/**
 * In a file of its own in the state directory: it is no part of the set, and an aid only. One that cannot be read, or is of
 * another boot, is none.
 */
export class TimeFile implements TimeStore {
  readonly #path: string;
  readonly #boot: string;

  constructor(directory: string, boot: string) {
    this.#path = join(directory, 'time.json');
    this.#boot = boot;
  }

  load(): number | undefined {
    try {
      shutOthersOut(this.#path);
      const { boot, offsetMs } = readWritten(JSON.parse(readFileSync(this.#path, 'utf8')), '');
      return boot === this.#boot ? offsetMs : undefined;
    } catch {
      return undefined;
    }
  }

  save(offsetMs: number): void {
    const written: Written = { boot: this.#boot, offsetMs };
    replacePrivateFile(this.#path, JSON.stringify(written));
  }
}
