import { statSync } from 'node:fs';
import type { Look } from '../session.ts';

/**
 * Watches the files of a database for what this process did not write. Another one that commits moves them, and the
 * database's own version with them; whoever writes into a file moves the file alone. So does another's checkpoint, which is
 * looked into for nothing.
 */
export class Watch {
  readonly #paths: readonly string[];
  readonly #version: () => unknown;
  #files: string;
  #known: unknown;

  constructor(paths: readonly string[], version: () => unknown) {
    this.#paths = paths;
    this.#version = version;
    this.#files = this.#stat();
    this.#known = version();
  }

  /** What is there now is our own work. */
  note(): void {
    this.#files = this.#stat();
  }

  look(): Look {
    const [files, version] = [this.#stat(), this.#version()];
    const [moved, committed] = [files !== this.#files, version !== this.#known];
    this.#files = files;
    this.#known = version;
    if (committed) return 'others';
    return moved ? 'strange' : 'same';
  }

  #stat(): string {
    return this.#paths.map(textOf).join();
  }
}

function textOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? 'none' : `${found.size} ${found.mtimeNs}`;
}
