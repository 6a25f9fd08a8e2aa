import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { replacePrivateFile } from '../../daemon/private-file.ts';
import { object, prose, readTime, readWord } from '../../protocol/read.ts';
import type { BusTrouble } from '../ports.ts';

const readTrouble = object<BusTrouble>({ code: readWord, reason: prose(1024), since: readTime });

function pathIn(directory: string): string {
  return join(directory, 'bus.json');
}

/** In a file of its own in the state directory, there for as long as a running agent is off the bus. */
export class BusFile {
  readonly #path: string;
  #since: number | undefined;

  constructor(directory: string) {
    this.#path = pathIn(directory);
  }

  /** Trouble that has another reason than before is the same trouble. Errors: those of the file system. */
  note(trouble: BusTrouble | undefined): void {
    if (trouble === undefined) {
      this.#since = undefined;
      rmSync(this.#path, { force: true });
      return;
    }
    this.#since ??= trouble.since;
    const written: BusTrouble = { ...trouble, since: this.#since };
    replacePrivateFile(this.#path, JSON.stringify(written));
  }
}

/** What the agent of this state directory left word of; undefined where there is none, or none that can be read. */
export function readBusFile(directory: string): BusTrouble | undefined {
  const path = pathIn(directory);
  try {
    // Anything else might have the reader wait, or be without end.
    return statSync(path).isFile() ? readTrouble(JSON.parse(readFileSync(path, 'utf8')), '') : undefined;
  } catch {
    return undefined;
  }
}
