/** Runs test files with ava, in surroundings of their own; what they leave behind is one more failure. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { leaksOf, type Scope } from './leaks.ts';
import { addTally, NOTHING, type Tally, TapReader } from './tap.ts';

export const ROOT = join(import.meta.dirname, '../..');
const AVA = join(ROOT, 'node_modules/ava/entrypoints/cli.js');

/** What a run came to: its tests, and how long each file took, in milliseconds. */
export interface CleanRun {
  readonly tally: Tally;
  readonly times: readonly (readonly [file: string, tookMs: number])[];
}

interface Surroundings {
  readonly print: (line: string) => void;
  /** Flags of ava. */
  readonly flags: readonly string[];
  /** What is looked through for leaks. */
  readonly scope: Scope;
  /** Whether what tests log is shown, also of those that pass. */
  readonly tell?: boolean;
}

/** Runs `files` with a folder for temporary files and a mark of their own. */
export async function runClean(files: readonly string[], surroundings: Surroundings): Promise<CleanRun> {
  const { print, scope } = surroundings;
  const scratch = await mkdtemp(join(tmpdir(), 'shunt-test-'));
  await chmod(scratch, 0o1777); // as /tmp: agents that run as nobody keep their state below it
  const [mark, descriptors, times] = [randomUUID(), `${scratch}.descriptors`, `${scratch}.times`];
  try {
    let tally = NOTHING;
    const left = await leaksOf(`SHUNT_TEST_RUN=${mark}`, scope, async () => {
      tally = await runAva(files, surroundings, {
        SHUNT_TEST_RUN: mark,
        SHUNT_TEST_DESCRIPTORS: descriptors,
        SHUNT_TEST_TIMES: times,
        TMPDIR: scratch,
      });
    });
    left.push(...(await readdir(scratch)).map((name) => `temporary file ${name}`));
    left.push(...(await linesOf(descriptors)).map((line) => `descriptor ${line}`));
    return { tally: addTally(tally, judge(files, left, print)), times: (await linesOf(times)).map(readTime) };
  } finally {
    for (const path of [scratch, descriptors, times]) await rm(path, { recursive: true, force: true });
  }
}

/** Runs ava once over `files` and hands over its TAP output line by line. */
async function runAva(
  files: readonly string[],
  { flags, print, tell = false }: Surroundings,
  extra: NodeJS.ProcessEnv,
): Promise<Tally> {
  const env = { ...process.env, ...extra };
  const ava = spawn(process.execPath, [AVA, '--tap', ...flags, ...files], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve, reject) => ava.once('error', reject).once('exit', resolve));
  const tap = new TapReader(print, tell);
  for await (const line of createInterface(ava.stdout)) tap.line(line);
  return tap.end(await ended);
}

async function linesOf(path: string): Promise<string[]> {
  return (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
}

/** A line as test/support/file-times.ts writes it. */
function readTime(line: string): [file: string, tookMs: number] {
  const blank = line.indexOf(' ');
  return [relative(ROOT, line.slice(blank + 1)), Number(line.slice(0, blank))];
}

function judge(files: readonly string[], left: readonly string[], print: (line: string) => void): Tally {
  if (left.length === 0) return NOTHING;
  print(`not ok - ${files.length === 1 ? files[0] : 'these tests'} left behind:`);
  for (const what of left) print(`  ${what}`);
  return { passed: 0, failed: 1, skipped: [] };
}
