/**
 * The program and its reference, by drawn frames: `fuzz.scenario.ts SEED RUNS [MUTANT...]`, in a network namespace of its own.
 * Answers how many packets there were, by verdict, and what the first difference is; of each mutant whether there was one.
 */
import { fuzz } from '../fuzz/campaign.ts';
import { BuiltMutant } from '../fuzz/mutants.ts';
import { makeInterfaces } from '../fuzz/namespace.ts';
import { showDifference } from '../fuzz/show.ts';
import { shrink } from '../fuzz/shrink.ts';
import { Subjects } from '../fuzz/subject.ts';
import { printResult } from '../support/netns.ts';

const [seed, runs, ...mutants] = process.argv.slice(2);
const campaign = { seed: Number(seed), runs: Number(runs), seconds: Number.POSITIVE_INFINITY };

async function compareOwn(): Promise<unknown> {
  using subjects = new Subjects();
  const { packets, byVerdict, failed } = fuzz(subjects, campaign);
  const least = failed && `seed ${failed.seed}: ${showDifference(await shrink(subjects, failed.difference))}`;
  return { packets, byVerdict: Object.fromEntries(byVerdict), least };
}

function isFound(name: string): boolean {
  using mutant = new BuiltMutant(name);
  using subjects = new Subjects(mutant.object);
  return fuzz(subjects, campaign).failed !== undefined;
}

makeInterfaces();
printResult({ own: await compareOwn(), found: mutants.filter(isFound) });
