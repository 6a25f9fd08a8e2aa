/** Runs every case, or random sequences, on the real kernel; run by kernel.test.ts in namespaces of its own. */
import { printResult } from '../support/netns.ts';
import { CASES } from './cases.ts';
import { nativeSubject } from './native-subject.ts';
import { compare } from './sequences.ts';
import { memorySubject } from './subject.ts';

function runCase(index: number): unknown {
  using subject = nativeSubject();
  return CASES[index]?.run(subject);
}

function runSequences(runs: number, seed: number): unknown {
  using real = nativeSubject();
  const fake = memorySubject();
  return compare(real, fake, (name, ifindex) => fake.kernel.netdev(name, { ifindex }), { runs, seed });
}

const [what, runs, seed] = process.argv.slice(2);
printResult(what === 'cases' ? CASES.map((_, index) => runCase(index)) : runSequences(Number(runs), Number(seed)));
