import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import test from 'ava';
import { GAMES } from './game.ts';
import { hunt, type Mutant } from './mutants.ts';

/** By planted bug, the first seed whose schedule shows it, as `./dev sim --mutants` says. */
const SHOWN_BY: Readonly<Record<string, number>> = JSON.parse(
  readFileSync(new URL('shown-by.json', import.meta.url), 'utf8'),
);
/** How many are tried where that one does not any more: what happens when may be otherwise since. */
const SEEDS = 100;

async function huntFor(names: readonly string[], from: (name: string) => number, seeds: number) {
  const mutants: Mutant[] = [];
  const jobs = availableParallelism();
  await hunt({ game: 'fleets', names, from, seeds, jobs }, (mutant) => mutants.push(mutant));
  return {
    found: mutants.filter(({ seed }) => seed !== undefined),
    left: mutants.filter(({ seed }) => seed === undefined),
  };
}

test('schedules: every planted bug is found, and by something that must hold', async (t) => {
  t.timeout(1_800_000);
  const first = await huntFor(GAMES.fleets.bugs.names, (name) => SHOWN_BY[name] ?? 1, 1);
  const names = first.left.map(({ name }) => name);
  const then = await huntFor(names, () => 1, SEEDS);
  for (const { name, seed } of then.found) t.log(`shown-by.json: ${name} is shown by ${seed} now`);
  t.deepEqual(then.left, []);
  const byError = [...first.found, ...then.found].filter(({ seen }) => /\b(Reference|Syntax|Type)Error\b/.test(seen));
  t.deepEqual(byError, [], 'a patch that does not run is no bug');
});
