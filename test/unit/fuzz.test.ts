import test from 'ava';
import { caseOf } from '../fuzz/compare.ts';
import { BUGS } from '../fuzz/mutants.ts';

/** In words, for bigints are no JSON. */
const written = (seed: number): string =>
  JSON.stringify(caseOf(seed), (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));

test('fuzz: the same seed draws the same redirects and frames, and another seed others', (t) => {
  t.is(written(7), written(7));
  t.not(written(7), written(8));
});

test('fuzz: every planted bug fits the sources', (t) => {
  t.true(BUGS.names.length >= 15);
  for (const name of BUGS.names) t.deepEqual(BUGS.misfits(name), [], `${name} is to be written anew`);
});
