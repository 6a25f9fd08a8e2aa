import { VERDICTS, type Verdict } from '../../agent/kernel/abi.ts';
import type { Answer } from '../reference/program.ts';
import { caseOf, compare, type Difference } from './compare.ts';
import type { Subjects } from './subject.ts';

export interface Campaign {
  /** Of the first run; each has the next one. */
  readonly seed: number;
  /** It ends after so many runs, or after so many seconds, whichever is first. */
  readonly runs: number;
  readonly seconds: number;
}

export interface Outcome {
  readonly runs: number;
  readonly packets: number;
  readonly seconds: number;
  readonly byVerdict: ReadonlyMap<Verdict, number>;
  /** The first one, and the seed that shows it again. */
  readonly failed?: { readonly seed: number; readonly difference: Difference };
}

/** Draws states and frames, and compares, until both differ. */
export function fuzz(
  subjects: Subjects,
  { seed: first, runs: most, seconds: longest }: Campaign,
  onRun: (packets: number, seconds: number) => void = () => {},
): Outcome {
  const startedMs = performance.now();
  const elapsed = () => (performance.now() - startedMs) / 1000;
  const byVerdict = new Map<Verdict, number>(VERDICTS.map((verdict) => [verdict, 0]));
  let [runs, packets] = [0, 0];
  while (runs < most && elapsed() < longest) {
    const seed = first + runs;
    const difference = compareSeed(subjects, seed, ({ verdict }) => {
      byVerdict.set(verdict, (byVerdict.get(verdict) ?? 0) + 1);
      packets += 1;
    });
    runs += 1;
    if (difference !== undefined) return { runs, packets, seconds: elapsed(), byVerdict, failed: { seed, difference } };
    onRun(packets, elapsed());
  }
  return { runs, packets, seconds: elapsed(), byVerdict };
}

function compareSeed(subjects: Subjects, seed: number, onAnswer: (answer: Answer) => void): Difference | undefined {
  try {
    return compare(subjects, caseOf(seed), onAnswer);
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  }
}
