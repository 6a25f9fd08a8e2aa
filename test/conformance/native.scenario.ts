/** Runs every case, or random sequences, on the real kernel, with a table or without; run by kernel.test.ts in namespaces of its own. */
import type { TableWish } from '../../agent/attach/table.ts';
import { printResult } from '../support/netns.ts';
import { CASES } from './cases.ts';
import { nativeSubject } from './native-subject.ts';
import { compare } from './sequences.ts';
import { memorySubject } from './subject.ts';

function runCase(table: TableWish, index: number): unknown {
  using subject = nativeSubject(table);
  return CASES[index]?.run(subject);
}

function runSequences(table: TableWish, runs: number, seed: number): unknown {
  using real = nativeSubject(table);
  const fake = memorySubject();
  return compare(real, fake, (name, ifindex) => fake.kernel.netdev(name, { ifindex }), { runs, seed });
}

const [what, table, runs, seed] = process.argv.slice(2) as [string, TableWish, ...string[]];
printResult(
  what === 'cases' ? CASES.map((_, index) => runCase(table, index)) : runSequences(table, Number(runs), Number(seed)),
);
