import { join } from 'node:path';
import { object, type Reader, readWord } from '../../protocol/read.ts';
import { Refused } from '../../protocol/refused.ts';
import type { TimeStore } from '../ports.ts';
import { AidFile } from './aid-file.ts';

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

/** One that is of another boot is none. */
export class TimeFile implements TimeStore {
  readonly #file: AidFile<Written>;
  readonly #boot: string;

  constructor(directory: string, boot: string) {
    this.#file = new AidFile(join(directory, 'time.json'), readWritten);
    this.#boot = boot;
  }

  load(): number | undefined {
    const written = this.#file.load();
    return written?.boot === this.#boot ? written.offsetMs : undefined;
  }

  save(offsetMs: number): void {
    this.#file.save({ boot: this.#boot, offsetMs });
  }
}
