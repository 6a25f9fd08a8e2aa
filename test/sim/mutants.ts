import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ROOT } from '../support/clean-run.ts';

const FOLDER = join(import.meta.dirname, 'mutants');
/** What a schedule is played with. */
const SOURCES = ['agent', 'bus', 'controller', 'daemon', 'migrations', 'native', 'protocol', 'test', 'package.json'];

/** A planted bug, and the seed that showed it; undefined where none of those tried did. */
export interface Mutant {
  readonly name: string;
  /** What is wrong with it. */
  readonly why: string;
  readonly seeds: number | undefined;
  /** What it was seen by. */
  readonly seen: string;
}

export function mutantNames(): readonly string[] {
  return readdirSync(FOLDER)
    .map((name) => basename(name, '.patch'))
    .sort();
}

/** Plays schedules on a copy of the sources that has one bug more, until what must hold does not; at most so many. */
export function hunt(name: string, seeds: number): Mutant {
  const patch = readFileSync(join(FOLDER, `${name}.patch`));
  const folder = mkdtempSync(join(tmpdir(), 'shunt-mutant-'));
  try {
    for (const source of SOURCES) {
      cpSync(join(ROOT, source), join(folder, source), { recursive: true, filter: (path) => !path.includes('/build') });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const patched = spawnSync('git', ['apply'], { cwd: folder, input: patch, encoding: 'utf8' });
    if (patched.status !== 0) throw new Error(`the patch of ${name} does not fit any more: ${patched.stderr}`);
    const argv = [join(folder, 'test/sim/main.ts'), '--seeds', `${seeds}`, '--brief'];
    const { stdout, status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
    const [, seed, seen = ''] = /^seed (\d+): (.*)$/m.exec(stdout) ?? [];
    if (status !== 0 && seed === undefined) throw new Error(`${name} was not played: ${stderr}`);
    const why = patch.toString().split('\n')[0] ?? '';
    return { name, why, seeds: seed === undefined ? undefined : Number(seed), seen };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
