/**
 * Runs the tests: `node test/support/run.ts [PATTERN...]`. What needs nothing but itself runs together, two files at a
 * time; what touches the kernel runs one file after the other, each in a process of its own, and must leave nothing
 * behind. The last line is `N passed, M failed[, K skipped]`. The status is 1 if anything failed or no test matches, and
 * where REQUIRE is set, also if anything was skipped.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, glob, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { leaksOf } from './leaks.ts';
import { missing, type Need } from './needs.ts';
import { addTally, NOTHING, type Tally, TapReader } from './tap.ts';

const ROOT = join(import.meta.dirname, '../..');
const AVA = join(ROOT, 'node_modules/ava/entrypoints/cli.js');
const TOGETHER = ['--concurrency=2'];
const ALONE = ['--concurrency=1', '--no-worker-threads', `--node-arguments=--import=${ROOT}/test/support/fd-guard.ts`];

const FOLDERS: Readonly<Record<string, { readonly serial: boolean; readonly needs: readonly Need[] }>> = {
  unit: { serial: false, needs: [] },
  bus: { serial: false, needs: ['nats-server'] },
  conformance: { serial: true, needs: [] },
  kernel: { serial: true, needs: ['root', 'addon', 'object'] },
  e2e: { serial: true, needs: ['root', 'addon', 'object', 'nats-server'] },
  compose: { serial: true, needs: ['Docker engine'] },
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

async function findFiles(patterns: readonly string[]): Promise<string[]> {
  const files = await Array.fromAsync(glob('test/**/*.test.ts', { cwd: ROOT }));
  return files.filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern))).sort();
}

/** Runs ava once over `files` and hands over its TAP output line by line. */
async function runAva(files: readonly string[], flags: readonly string[], extra: NodeJS.ProcessEnv): Promise<Tally> {
  const env = { ...process.env, ...extra };
  const ava = spawn(process.execPath, [AVA, '--tap', ...flags, ...files], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve, reject) => ava.once('error', reject).once('exit', resolve));
  const tap = new TapReader(print);
  for await (const line of createInterface(ava.stdout)) tap.line(line);
  return tap.end(await ended);
}

/** Runs `files` with a folder for temporary files and a mark of their own; what stays behind is one more failure. */
async function runClean(files: readonly string[], flags: readonly string[]): Promise<Tally> {
  const scratch = await mkdtemp(join(tmpdir(), 'shunt-test-'));
  await chmod(scratch, 0o1777); // as /tmp: agents that run as nobody keep their state below it
  const [mark, descriptors] = [randomUUID(), `${scratch}.descriptors`];
  try {
    let tally = NOTHING;
    const left = await leaksOf(`SHUNT_TEST_RUN=${mark}`, async () => {
      tally = await runAva(files, flags, {
        SHUNT_TEST_RUN: mark,
        SHUNT_TEST_DESCRIPTORS: descriptors,
        TMPDIR: scratch,
      });
    });
    left.push(...(await readdir(scratch)).map((name) => `temporary file ${name}`));
    const open = await readFile(descriptors, 'utf8').catch(() => '');
    left.push(...open.split('\n').flatMap((line) => (line === '' ? [] : [`descriptor ${line}`])));
    return addTally(tally, judgeLeaks(files, left));
  } finally {
    await rm(scratch, { recursive: true, force: true });
    await rm(descriptors, { force: true });
  }
}

function judgeLeaks(files: readonly string[], left: readonly string[]): Tally {
  if (left.length === 0) return NOTHING;
  print(`not ok - ${files.length === 1 ? files[0] : 'these tests'} left behind:`);
  for (const what of left) print(`  ${what}`);
  return { passed: 0, failed: 1, skipped: [] };
}

async function report(title: string, run: () => Promise<Tally>): Promise<Tally> {
  const start = performance.now();
  const tally = await run();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  print(
    `${tally.failed === 0 ? 'ok' : 'NOT OK'} ${title}: ${tally.passed} passed, ${tally.failed} failed, ${seconds} s`,
  );
  return tally;
}

async function runAll(files: readonly string[]): Promise<Tally> {
  let total = NOTHING;
  const ready = [];
  for (const file of files) {
    const lacking = missing(folderOf(file).needs);
    if (lacking.length === 0) ready.push(file);
    else total = addTally(total, { ...NOTHING, skipped: [`${file} (needs ${lacking.join(', ')})`] });
  }
  const together = ready.filter((file) => !folderOf(file).serial);
  if (together.length > 0) {
    total = addTally(total, await report(`${together.length} files together`, () => runClean(together, TOGETHER)));
  }
  for (const file of ready.filter((file) => folderOf(file).serial)) {
    total = addTally(total, await report(file, () => runClean([file], ALONE)));
  }
  return total;
}

function summarise(total: Tally): boolean {
  const required = (process.env.REQUIRE ?? '') !== '';
  for (const title of total.skipped) print(`SKIPPED ${title}`);
  if (required && total.skipped.length > 0) print('A skip is an error here, because REQUIRE is set.');
  const skips = total.skipped.length > 0 ? `, ${total.skipped.length} skipped` : '';
  print(`${total.passed} passed, ${total.failed} failed${skips}`);
  return total.failed === 0 && !(required && total.skipped.length > 0);
}

const files = await findFiles(process.argv.slice(2));
if (files.length === 0) print('No test file matches.');
const good = summarise(await runAll(files));
process.exitCode = good && files.length > 0 ? 0 : 1;
