import type { Look } from '../session.ts';

/**
 * Tells of the files of a database what this process did not write. Another one that commits moves them, and the database's own
 * version with them; whoever writes into a file moves the file alone. So does another's checkpoint, which is looked into for
 * nothing.
 */
export class Watch {
  readonly #version: () => unknown;
  #files: string;
  #known: unknown;

  /** `files` is where they stand now. */
  constructor(files: string, version: () => unknown) {
    this.#version = version;
    this.#files = files;
    this.#known = version();
  }

  /** Where they stand now is our own work. */
  note(files: string): void {
    this.#files = files;
  }

  look(files: string): Look {
    const version = this.#version();
    const [moved, committed] = [files !== this.#files, version !== this.#known];
    this.#files = files;
    this.#known = version;
    if (committed) return 'others';
    return moved ? 'strange' : 'same';
  }
}
