/**
 * Runs the tests: `node test/support/run.ts [--long] [PATTERN...]`. Each file has a process of its own: V8 can abort where
 * threads of one process come and go. What touches the kernel runs one file after the other, with the machine's lock, and
 * must leave nothing behind on it; most of that time it waits, so what needs nothing but itself runs beside it, and the
 * image for those that need a Docker engine is built. `--long` runs test/long/ instead of all else. The last line is `N passed, M failed[, K skipped]`. The status is 1 if anything
 * failed or no test matches, and where REQUIRE is set, also if anything was skipped.
 */
import { glob } from 'node:fs/promises';
import { readArguments } from './arguments.ts';
import { type CleanRun, ROOT, runClean } from './clean-run.ts';
import { lockMachine } from './lock.ts';
import { missing, type Need } from './needs.ts';
import { addTally, NOTHING, type Tally } from './tap.ts';

const ALONE = ['--concurrency=1', `--node-arguments=--import=${ROOT}/test/support/fd-guard.ts`];
/** How many of the slowest files are named at the end. */
const NAMED = 5;

const FOLDERS: Readonly<Record<string, { readonly serial: boolean; readonly needs: readonly Need[] }>> = {
  unit: { serial: false, needs: [] },
  sim: { serial: false, needs: [] },
  faults: { serial: false, needs: [] },
  bus: { serial: false, needs: ['nats-server'] },
  conformance: { serial: true, needs: [] },
  kernel: { serial: true, needs: ['root', 'addon', 'object'] },
  e2e: { serial: true, needs: ['root', 'addon', 'object', 'nats-server'] },
  compose: { serial: true, needs: ['Docker engine'] },
  long: { serial: true, needs: ['root', 'addon', 'object', 'nats-server'] },
};

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function folderOf(file: string) {
  const name = file.split('/')[1] ?? '';
  const folder = FOLDERS[name];
  if (!folder) throw new Error(`test/support/run.ts does not know test/${name}/`);
  return folder;
}

async function findFiles(patterns: readonly string[], long: boolean): Promise<string[]> {
  const files = await Array.fromAsync(glob('test/**/*.test.ts', { cwd: ROOT }));
  return files
    .filter((file) => file.startsWith('test/long/') === long)
    .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
    .sort();
}

/** Everything that was run, added up. */
class Total {
  tally = NOTHING;
  readonly #times: (readonly [file: string, tookMs: number])[] = [];

  skip(file: string, lacking: readonly Need[]): void {
    this.tally = addTally(this.tally, { ...NOTHING, skipped: [`${file} (needs ${lacking.join(', ')})`] });
  }

  /** Runs and says in a line how it went. */
  async add(title: string, run: () => Promise<CleanRun>): Promise<void> {
    const start = performance.now();
    const { tally, times } = await run();
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const word = tally.failed === 0 ? 'ok' : 'NOT OK';
    print(`${word} ${title}: ${tally.passed} passed, ${tally.failed} failed, ${seconds} s`);
    this.tally = addTally(this.tally, tally);
    this.#times.push(...times);
  }

  slowest(): readonly string[] {
    const slowest = this.#times.toSorted(([, a], [, b]) => b - a).slice(0, NAMED);
    return slowest.map(([file, tookMs]) => `# slow: ${(tookMs / 1000).toFixed(1)} s ${file}`);
  }
}

async function runAll(files: readonly string[]): Promise<Total> {
  const total = new Total();
  const [soon = [], late = []] = [false, true].map((is) => files.filter((file) => needsEngine(file) === is));
  const alone = [...soon.filter((file) => folderOf(file).serial), ...late];
  const beside = soon.filter((file) => !folderOf(file).serial);
  const atATime = alone.length > 0 ? 1 : 2;
  await Promise.all([runAlone(alone, total), runBeside(beside, atATime, total)]);
  return total;
}

/** It takes minutes to make one, and an image. */
function needsEngine(file: string): boolean {
  return folderOf(file).needs.includes('Docker engine');
}

async function runBeside(files: readonly string[], atATime: number, total: Total): Promise<void> {
  const ready: string[] = [];
  for (const file of files) {
    if (await isReady(file, total)) ready.push(file);
  }
  if (ready.length === 0) return;
  const surroundings = { print, flags: [`--concurrency=${atATime}`], scope: 'own' } as const;
  await total.add(`${ready.length} files that need no machine of their own`, () => runClean(ready, surroundings));
}

/** Whoever is root may leave anything on the machine, so such runs take turns, and all of it is looked through. */
async function runAlone(files: readonly string[], total: Total): Promise<void> {
  if (files.length === 0) return;
  const root = process.getuid?.() === 0;
  await using _lock = root ? await lockMachine(print) : undefined;
  if (files.some(needsEngine)) void missing(['Docker engine']);
  for (const file of files) {
    if (!(await isReady(file, total))) continue;
    const machine = needsEngine(file) ? 'machine and engines' : 'machine';
    const tell = file.startsWith('test/long/');
    const surroundings = { print, flags: ALONE, scope: root ? machine : 'own', tell } as const;
    await total.add(file, () => runClean([file], surroundings));
  }
}

async function isReady(file: string, total: Total): Promise<boolean> {
  const lacking = await missing(folderOf(file).needs);
  if (lacking.length > 0) total.skip(file, lacking);
  return lacking.length === 0;
}

function summarise({ skipped, passed, failed }: Tally, slowest: readonly string[]): boolean {
  const required = (process.env.REQUIRE ?? '') !== '';
  for (const title of skipped) print(`SKIPPED ${title}`);
  if (required && skipped.length > 0) print('A skip is an error here, because REQUIRE is set.');
  for (const line of slowest) print(line);
  const skips = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
  print(`${passed} passed, ${failed} failed${skips}`);
  return failed === 0 && !(required && skipped.length > 0);
}

const { values, operands: patterns } = readArguments('test', { long: { takes: 'nothing' } }, 'operands');
const files = await findFiles(patterns, values.long);
if (files.length === 0) print('No test file matches.');
const total = await runAll(files);
const good = summarise(total.tally, total.slowest());
process.exitCode = good && files.length > 0 ? 0 : 1;
