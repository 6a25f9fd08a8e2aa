import test from 'ava';
import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';
import { CASES, plain } from './cases.ts';
import type { Comparison } from './sequences.ts';
import { memorySubject } from './subject.ts';

/** How many sequences, and what they start from: CONFORMANCE_RUNS=100000 is for a change of the kernel layer. */
const RUNS = Number(process.env.CONFORMANCE_RUNS ?? 2000);
const SEED = Number(process.env.CONFORMANCE_SEED ?? 1);
/** As many as a process does well within its minute. */
const CHUNK = 2000;

const kernel = kernelTests();
const scenario = new URL('native.scenario.ts', import.meta.url);
/** Maps with a table in front of them, and without. */
const TABLES = ['on', 'off'] as const;
const native = new Map<string, Promise<unknown>>();
const nativeResults = (table: string): Promise<readonly unknown[]> => {
  const results = native.get(table) ?? runInNamespace(scenario, 'cases', table);
  native.set(table, results);
  return results as Promise<readonly unknown[]>;
};

for (const [index, { title, run, expected }] of CASES.entries()) {
  test(`memory kernel: ${title}`, (t) => {
    t.deepEqual(plain(run(memorySubject())), plain(expected));
  });

  for (const table of TABLES)
    kernel(`native kernel, table ${table}: ${title}`, async (t) => {
      t.deepEqual((await nativeResults(table))[index], plain(expected));
    });
}

for (const table of TABLES)
  kernel(`both kernels, table ${table}: random sequences get the same results and leave the same behind`, async (t) => {
    t.timeout(60_000 + RUNS * 60);
    for (let from = 0; from < RUNS; from += CHUNK) {
      const [runs, seed] = [Math.min(CHUNK, RUNS - from), SEED + from];
      const compared = (await runInNamespace(scenario, 'sequences', table, String(runs), String(seed))) as Comparison;
      const { difference, ...counts } = compared;
      t.log(`seed ${seed}`, counts);
      t.is(difference, null);
      t.is(counts.runs, runs);
      for (const count of Object.values(counts)) t.true(count > runs / 100, 'every kind of result came up');
    }
  });
