import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ROOT } from '../support/clean-run.ts';
import { GAMES, type GameName } from './game.ts';

/** What a schedule is played with. */
const SOURCES = [
  'agent',
  'bus',
  'cli',
  'controller',
  'daemon',
  'migrations',
  'native',
  'protocol',
  'test',
  'package.json',
];

/** A planted bug, and the seed that showed it; undefined where none of those tried did. */
export interface Mutant {
  readonly name: string;
  /** What is wrong with it. */
  readonly why: string;
  readonly seed: number | undefined;
  /** What it was seen by. */
  readonly seen: string;
}

export interface Hunt {
  readonly game: GameName;
  readonly names: readonly string[];
  /** The seed of the first schedule that is tried. */
  from(name: string): number;
  /** How many schedules are tried at most. */
  readonly seeds: number;
  /** How many bugs are hunted at a time. */
  readonly jobs: number;
}

/** Which schedules one bug is hunted with. */
interface Tries extends Pick<Hunt, 'game' | 'seeds'> {
  readonly from: number;
}

/** Plays schedules on copies of the sources that have one bug more, each until what must hold does not. */
export async function hunt({ names, jobs, ...how }: Hunt, onMutant: (mutant: Mutant) => void): Promise<void> {
  const left = [...names];
  const work = async (): Promise<void> => {
    using copy = new Copy();
    for (let name = left.shift(); name !== undefined; name = left.shift())
      onMutant(await copy.hunt(name, { ...how, from: how.from(name) }));
  };
  await Promise.all(Array.from({ length: Math.min(jobs, names.length) }, work));
}

/** A copy of the sources, with one bug at a time. */
class Copy implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'shunt-mutant-'));

  constructor() {
    const filter = (path: string): boolean => !path.includes('/build');
    for (const source of SOURCES) cpSync(join(ROOT, source), join(this.#folder, source), { recursive: true, filter });
    symlinkSync(join(ROOT, 'node_modules'), join(this.#folder, 'node_modules'));
  }

  async hunt(name: string, how: Tries): Promise<Mutant> {
    const { bugs } = GAMES[how.game];
    bugs.apply(name, this.#folder);
    const { stdout, stderr, status } = await this.#play(how);
    bugs.apply(name, this.#folder, '--reverse');
    const [, seed, seen = ''] = /^seed (\d+): (.*)$/m.exec(stdout) ?? [];
    if (status !== 0 && seed === undefined) throw new Error(`${name} was not played: ${stderr}`);
    return { name, why: bugs.why(name), seed: seed === undefined ? undefined : Number(seed), seen };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }

  async #play({ game, from, seeds }: Tries) {
    const main = join(this.#folder, 'test/sim/main.ts');
    const argv = [main, game, '--brief', '--jobs', '1', '--seeds', `${seeds}`, '--from', `${from}`];
    const env = { ...process.env, NODE_COMPILE_CACHE: join(this.#folder, '.cache') };
    const child = spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr, [status]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    return { stdout, stderr, status: status as number | null };
  }
}
