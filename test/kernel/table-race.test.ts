import { BuiltMutant } from '../fuzz/mutants.ts';
import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';
import { PlantedBugs } from '../support/planted-bugs.ts';

const kernel = kernelTests();
/** More of it runs in test/long/table.test.ts and live-frames.test.ts. */
const LOOKS = 2_000_000;
/** Runs of so many looks, until one shows what it is to show. */
const ROUNDS_MAX = 10;
const FRAMES = 1_000_000;
const REBUILDS = 50;
/** At most, until a packet misses: where nobody waits one in ten shows it, on a machine that is busy with other things. */
const HASTY_REBUILDS = 200;
const KILLS = 8;
const KEYS = 50_000;
const MUTANTS = new PlantedBugs(new URL('table-mutants', import.meta.url).pathname);

type Counts = Readonly<Record<string, number>>;

async function scenario(name: string, ...args: readonly (string | number)[]): Promise<Counts> {
  return (await runInNamespace(new URL(`${name}.scenario.ts`, import.meta.url), ...args.map(String))) as Counts;
}

kernel(
  'table: of a row that is rewritten without a pause, no packet takes a mixture; without the check some do',
  async (t) => {
    t.timeout(600_000);
    const counts = await scenario('table-torn', LOOKS);
    t.log(counts);
    t.like(counts, { torn: 0, unexpected: 0 });
    for (const who of ['one', 'other', 'map'] as const)
      t.true((counts[who] ?? 0) > 0, `some took what is the ${who}'s`);
    using mutant = new BuiltMutant('rows-unproven', MUTANTS);
    let torn = 0;
    // Reader and writer may share a CPU for a while, and then hardly meet.
    for (let round = 0; torn === 0 && round < ROUNDS_MAX; round += 1)
      torn = (await scenario('table-torn', LOOKS, mutant.object)).torn ?? 0;
    t.log('without the check', torn);
    t.true(torn > 0, 'else this test proves nothing');
  },
);

kernel(
  'table: frames that the kernel carries on go to the one next hop or the other, whatever is written',
  async (t) => {
    t.timeout(600_000);
    const counts = await scenario('live-frames', 'on', FRAMES, 'agent');
    t.log(counts);
    t.like(counts, { frames: FRAMES, sent: FRAMES, stranger: 0 });
    t.is((counts.first ?? 0) + (counts.second ?? 0), FRAMES);
  },
);

kernel('table: while it is built anew, again and again, no packet of a key that stands misses it', async (t) => {
  t.timeout(600_000);
  const counts = await scenario('table-rebuilds', REBUILDS, 'waits');
  t.log(counts);
  t.like(counts, { missed: 0, other: 0 });
  t.true((counts.hits ?? 0) > REBUILDS);
});

kernel('table: who reads slowly misses nothing either, unless nobody waits for packets under way', async (t) => {
  t.timeout(600_000);
  using slow = new BuiltMutant('slow-packets', MUTANTS);
  const waits = await scenario('table-rebuilds', REBUILDS, 'waits', slow.object);
  t.like(waits, { missed: 0, other: 0 });
  const hasty = await scenario('table-rebuilds', HASTY_REBUILDS, 'hasty', slow.object);
  t.log({ waits, hasty });
  t.true((hasty.missed ?? 0) > 0, 'else this test proves nothing');
});

kernel('table: an agent that is killed at any moment leaves keys of which each has one answer', async (t) => {
  t.timeout(600_000);
  const counts = await scenario('table-kills', KILLS);
  t.log(counts);
  t.like(counts, { kills: KILLS, twofold: 0, unexpected: 0 });
});

kernel(
  'table: of keys that are put in bulk one in a hundred at most is without a row, and all are taken out again',
  async (t) => {
    t.timeout(600_000);
    const { counted, left, ...rest } = (await scenario('table-bulk', KEYS)) as unknown as Record<string, Counts>;
    t.log({ counted, ...rest });
    t.is((counted?.used ?? 0) + (counted?.unplaced ?? 0), KEYS);
    t.true((counted?.unplaced ?? 0) < KEYS / 100);
    t.like(rest, { differing: 0 });
    t.like(left, { used: 0, unplaced: 0 });
  },
);
