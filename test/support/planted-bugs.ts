import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ROOT } from './clean-run.ts';

/** A folder of patches, each of which plants one bug; its first line says what is wrong then. */
export class PlantedBugs {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get names(): readonly string[] {
    return readdirSync(this.#folder)
      .map((name) => basename(name, '.patch'))
      .sort();
  }

  why(name: string): string {
    return this.#read(name).split('\n')[0] ?? '';
  }

  /** What a patch looks for and its file does not say, or says more than once; nothing where it fits. */
  misfits(name: string): readonly string[] {
    const [, ...files] = this.#read(name).split(/^--- a\//m);
    return files.flatMap((file) => {
      const [head = '', ...hunks] = file.split(/^@@.*@@.*\n/m);
      const text = readFileSync(join(ROOT, head.split('\n')[0] ?? ''), 'utf8');
      return hunks.map(replaced).filter((old) => text.split(old).length !== 2);
    });
  }

  /** Applies a patch to a copy of the sources, or takes it back. */
  apply(name: string, copy: string, ...options: readonly '--reverse'[]): void {
    const how = { cwd: copy, input: this.#read(name), encoding: 'utf8' } as const;
    const { status, stderr } = spawnSync('git', ['apply', ...options], how);
    if (status !== 0) throw new Error(`the patch of ${name} does not fit any more: ${stderr}`);
  }

  #read(name: string): string {
    return readFileSync(join(this.#folder, `${name}.patch`), 'utf8');
  }
}

/** The lines that a hunk expects. */
function replaced(hunk: string): string {
  const lines = hunk.split('\n').filter((line) => line.startsWith(' ') || line.startsWith('-'));
  return lines.map((line) => line.slice(1)).join('\n');
}
