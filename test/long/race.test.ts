import test from 'ava';
import { runInNamespace } from '../support/netns.ts';

/** Of each test; in parts, for nothing may take ten minutes. */
const LOOKS = Number(process.env.LOOKS ?? 60_000_000);
const PART = Math.min(LOOKS, 10_000_000);
const PARTS = Math.ceil(LOOKS / PART);

interface Read {
  readonly looks: number;
  readonly bare: { readonly torn: number };
  readonly checked: Readonly<Record<string, number>>;
}

/** What test/kernel/ runs for seconds. */
const run = (name: string, ...args: readonly string[]) =>
  runInNamespace(new URL(`../kernel/${name}.scenario.ts`, import.meta.url), ...args);

test.serial('race: of a value that is overwritten under the lock nothing is missed, wrong or unresolved', async (t) => {
  t.timeout(7_200_000);
  for (let part = 0; part < PARTS; part += 1) {
    const { bare, checked, ...seen } = (await run('facts/reading', 'replacedLocked', `${PART}`)) as Read;
    t.log({ bare, checked, ...seen });
    t.true(bare.torn > 0, 'inconclusive: nothing wrong was seen');
    t.deepEqual(checked, { right: seen.looks, missing: 0, stranger: 0, torn: 0, unresolved: 0 });
  }
});

for (const [way, where] of [
  ['locked', 'in the map'],
  ['table', 'behind a table'],
] as const)
  test.serial(
    `race: an entry ${where} that is rewritten, while others come and go, is hit by every packet`,
    async (t) => {
      t.timeout(7_200_000);
      for (let part = 0; part < PARTS; part += 1) {
        const counts = await run('churn', way, `${PART / 1_000_000}`);
        t.log(counts);
        t.like(counts, { verdicts: { DROPPED: PART }, strangers: 0 });
        t.deepEqual(Object.keys((counts as { readonly verdicts: object }).verdicts), ['DROPPED']);
      }
    },
  );
