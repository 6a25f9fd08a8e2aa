import test, { type ExecutionContext } from 'ava';
import { BuiltMutant } from '../fuzz/mutants.ts';
import { sumInNamespace } from '../support/netns.ts';
import { PlantedBugs } from '../support/planted-bugs.ts';

const FRAMES = Number(process.env.FRAMES ?? 100_000_000);
/** Of one start of the scenario, for nothing may take ten minutes. */
const PART = Math.min(FRAMES, 10_000_000);
/** At most so many of them, until a writer without the lock is found, or a program without the check. */
const MUTANT_PARTS = 10;
const MUTANTS = new PlantedBugs(new URL('../kernel/table-mutants', import.meta.url).pathname);
const scenario = new URL('../kernel/live-frames.scenario.ts', import.meta.url);

async function run(t: ExecutionContext, parts: number, table: string, ...how: readonly string[]) {
  const counts = await sumInNamespace(parts, scenario, table, `${PART}`, ...how);
  t.log(counts);
  return counts as Readonly<Record<'frames' | 'sent' | 'missed' | 'stranger' | 'first' | 'second', number>>;
}

/** Whether there is a frame that missed, or went to a stranger, before the last part is at its end. */
async function finds(t: ExecutionContext, what: 'missed' | 'stranger', ...how: readonly [table: string, ...string[]]) {
  for (let part = 0; part < MUTANT_PARTS; part += 1) if ((await run(t, 1, ...how))[what] > 0) return true;
  return false;
}

for (const table of ['on', 'off']) {
  test.serial(
    `live frames, table ${table}: each goes to the one next hop or the other, whatever is written meanwhile`,
    async (t) => {
      t.timeout(7_200_000);
      const counts = await run(t, Math.ceil(FRAMES / PART), table, 'agent');
      t.like(counts, { sent: counts.frames, missed: 0, unresolved: 0, other: 0, stranger: 0 });
      t.is(counts.first + counts.second, counts.sent, 'each arrived');
      t.true(counts.first > 0 && counts.second > 0, 'both were met');
    },
  );

  test.serial(
    `live frames, table ${table}: without the check some go to strangers, else that proves nothing`,
    async (t) => {
      t.timeout(7_200_000);
      using mutant = new BuiltMutant('copies-unproven', MUTANTS);
      t.true(await finds(t, 'stranger', table, 'agent', mutant.object));
    },
  );
}

test.serial('live frames, table off: without the lock some miss, else that proves nothing', async (t) => {
  t.timeout(7_200_000);
  t.true(await finds(t, 'missed', 'off', 'unlocked'));
});
