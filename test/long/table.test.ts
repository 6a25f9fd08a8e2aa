import test from 'ava';
import { sumInNamespace } from '../support/netns.ts';

/** What test/kernel/table-race.test.ts runs for seconds, in parts, for nothing may take ten minutes. */
const sums = (name: string, parts: number, ...args: readonly string[]) =>
  sumInNamespace(parts, new URL(`../kernel/${name}.scenario.ts`, import.meta.url), ...args);

test.serial('table: forty million looks at a row that is rewritten without a pause, and no mixture', async (t) => {
  t.timeout(3_600_000);
  const counts = await sums('table-torn', 8, '5000000');
  t.log(counts);
  t.like(counts, { torn: 0, unexpected: 0 });
  for (const who of ['one', 'other', 'map'] as const) t.true((counts[who] ?? 0) > 0, `some took what is the ${who}'s`);
});

test.serial('table: a thousand halves are built one after the other, and no key that stands is missed', async (t) => {
  t.timeout(3_600_000);
  const counts = await sums('table-rebuilds', 5, '200', 'waits');
  t.log(counts);
  t.like(counts, { rebuilds: 1_000, missed: 0, other: 0 });
  t.true((counts.hits ?? 0) > 1_000_000);
});

test.serial('table: a hundred writers are killed, and each key has one answer', async (t) => {
  t.timeout(3_600_000);
  const counts = await sums('table-kills', 10, '10');
  t.log(counts);
  t.like(counts, { kills: 100, twofold: 0, unexpected: 0 });
  t.true((counts.hits ?? 0) > 0 && (counts.misses ?? 0) > 0);
});
