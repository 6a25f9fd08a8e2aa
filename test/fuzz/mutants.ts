import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../support/clean-run.ts';
import { PlantedBugs } from '../support/planted-bugs.ts';

export const BUGS = new PlantedBugs(join(import.meta.dirname, 'mutants'));

/** The object of a program with a planted bug, in a folder of its own that goes with `dispose`. */
export class BuiltMutant implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'shunt-mutant-'));
  readonly object = join(this.#folder, 'bpf/build/redirect.bpf.o');

  constructor(name: string, bugs = BUGS) {
    try {
      const filter = (path: string): boolean => !path.includes('/build');
      cpSync(join(ROOT, 'bpf'), join(this.#folder, 'bpf'), { recursive: true, filter });
      bugs.apply(name, this.#folder);
      const make = ['-s', '-C', join(this.#folder, 'bpf'), 'build/redirect.bpf.o'];
      execFileSync('make', make, { stdio: ['ignore', 'ignore', 'pipe'] });
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
