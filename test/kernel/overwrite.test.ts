import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';

const kernel = kernelTests();
/** A million in the long run: OVERWRITES=1000000 ./dev test kernel/overwrite */
const OVERWRITES = Number(process.env.OVERWRITES ?? 200_000);

kernel('overwrite: while the next hop changes, every packet takes the one or the other, whole', async (t) => {
  t.timeout(300_000);
  const counts = (await runInNamespace(new URL('overwrite.scenario.ts', import.meta.url), String(OVERWRITES))) as {
    readonly [what: string]: number;
  };
  t.log(counts);
  t.like(counts, { overwrites: OVERWRITES, missed: 0, wrong: 0 });
  t.true((counts.first ?? 0) > 0 && (counts.second ?? 0) > 0, 'packets ran through both');
});
