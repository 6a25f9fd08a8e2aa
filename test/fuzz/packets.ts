/**
 * Compares the program in the kernel with its reference, packet by packet: `node test/fuzz/packets.ts [--seconds N]
 * [--runs N] [--seed S]`, as root, in a network namespace of its own. The status is 1 when they differ; the smallest frame
 * and the least that has to be written for it are printed. `--mutants [NAME...]` does so with programs that have one planted
 * bug each, all or those named, until it is found.
 */
import { VERDICTS } from '../../agent/kernel/abi.ts';
import { misuse, readArguments } from '../support/arguments.ts';
import { lockMachine } from '../support/lock.ts';
import { fuzz, type Outcome } from './campaign.ts';
import { BUGS, BuiltMutant } from './mutants.ts';
import { inNamespace } from './namespace.ts';
import { showDifference } from './show.ts';
import { shrink } from './shrink.ts';
import { Subjects } from './subject.ts';

const MAX_SEED = 2 ** 31;

const { values, operands } = readArguments(
  'fuzz packets',
  {
    seconds: { takes: 'number', from: 1, to: 1_000_000 },
    runs: { takes: 'number', from: 1, to: MAX_SEED },
    seed: { takes: 'number', from: 0, to: MAX_SEED, default: 1 },
    mutants: { takes: 'nothing' },
  },
  'operands',
);
const stray = operands.find((name) => !values.mutants || !BUGS.names.includes(name));
if (stray !== undefined) misuse('fuzz packets', `"${stray}" is not ${values.mutants ? 'a planted bug' : 'expected'}`);
const { seed, runs = MAX_SEED, seconds = values.runs === undefined ? 60 : Number.POSITIVE_INFINITY } = values;

await inNamespace(async () => {
  process.exitCode = (await (values.mutants ? huntAll() : compareAll())) ? 0 : 1;
});

/** Answers whether they never differed. */
async function compareAll(): Promise<boolean> {
  using stack = new DisposableStack();
  const [subjects] = (await load([undefined])).map((one) => stack.use(one)) as [Subjects];
  const outcome = fuzz(subjects, { seed, runs, seconds }, progress);
  clearProgress();
  if (outcome.failed !== undefined) {
    print(`./dev fuzz packets --seed ${outcome.failed.seed} --runs 1 shows a difference; the least that does:`);
    await printLeast(subjects, outcome);
    return false;
  }
  const { packets, seconds: took } = outcome;
  const pace = `${Math.round(packets / took)} a second`;
  print(
    `seed ${seed}: ${outcome.runs} sets of redirects, ${packets} packets, ${took.toFixed(1)} s, ${pace}: no difference`,
  );
  for (const verdict of VERDICTS) print(share(outcome, verdict));
  return true;
}

/** Answers whether every planted bug was found; of those that were named, also by what. */
async function huntAll(): Promise<boolean> {
  const names = operands.length > 0 ? operands : BUGS.names;
  using stack = new DisposableStack();
  const objects = names.map((name) => stack.use(new BuiltMutant(name)).object);
  const mutants = (await load(objects)).map((one) => stack.use(one));
  let found = 0;
  for (const [index, subjects] of mutants.entries()) {
    const outcome = fuzz(subjects, { seed, runs, seconds }, progress);
    clearProgress();
    if (outcome.failed !== undefined) found += 1;
    print(line(names[index] ?? '', outcome));
    if (operands.length > 0) await printLeast(subjects, outcome);
  }
  print(`${found} of ${names.length} planted bugs found`);
  return found === names.length;
}

async function printLeast(subjects: Subjects, { failed }: Outcome): Promise<void> {
  if (failed !== undefined) print(showDifference(await shrink(subjects, failed.difference)));
}

/**
 * Other tests are judged by the XDP programs that are there after them and were not before. So a program is loaded while none
 * runs; it may stay for as long as it likes.
 */
async function load(objects: readonly (string | undefined)[]): Promise<Subjects[]> {
  await using _ = await lockMachine((line) => process.stderr.write(`${line}\n`));
  return objects.map((path) => new Subjects(path));
}

function line(name: string, { runs: done, packets, seconds: took, failed }: Outcome): string {
  const how = failed === undefined ? 'NOT FOUND' : `seed ${failed.seed}`;
  const size = `${done} sets, ${packets} packets, ${took.toFixed(1)} s`;
  return `${how.padStart(9)}  ${size.padStart(34)}  ${name}: ${BUGS.why(name)}`;
}

function share({ packets, byVerdict }: Outcome, verdict: (typeof VERDICTS)[number]): string {
  const count = byVerdict.get(verdict) ?? 0;
  return `  ${verdict.padEnd(15)} ${`${count}`.padStart(10)}  ${((100 * count) / packets).toFixed(2).padStart(5)} %`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** On a terminal: how far it is. */
function progress(packets: number, took: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${packets} packets, ${took.toFixed(0)} s`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}
