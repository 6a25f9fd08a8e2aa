import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';

const kernel = kernelTests();
const DELETES = 10_000;

kernel(
  'idle: what a packet meets while it is given up stands again after one put, and what none meets is gone',
  async (t) => {
    const observed = await runInNamespace(new URL('idle-race.scenario.ts', import.meta.url), `${DELETES}`);
    t.log(observed);
    const { deletes, met, absent } = observed as { deletes: number; met: number; absent: number };
    t.like(observed, { deletes: DELETES, wrong: 0, manyPuts: 0 });
    t.true(met > 0 && met < deletes, 'both happened');
    t.true(absent > 0, 'somebody else was faster at times');
  },
);
