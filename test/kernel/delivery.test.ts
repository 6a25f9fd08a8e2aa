/** How the loader watches delivery: its pins, what it adds to older ones, and what it does where it cannot. */
import { TRACEPOINTS } from '../../agent/kernel/traffic.ts';
import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';

const kernel = kernelTests();
const observe = (scenario: string): Promise<unknown> =>
  runInNamespace(new URL('delivery.scenario.ts', import.meta.url), scenario);

const sent = { SENT: 100 };

kernel('delivery: attach twice changes nothing, and adds what is missing', async (t) => {
  t.deepEqual(await observe('pins'), {
    pinned: ['link_in0', 'program', ...TRACEPOINTS.map((name) => `tp_${name}`).sort()],
    first: [true, []],
    again: [false, []],
    mended: [true, []],
    unwatched: [],
  });
});

kernel('delivery: without the programs everything else works, and the loader says what is not counted', async (t) => {
  t.deepEqual(await observe('unwatched'), {
    why: ['EPERM'],
    attached: ['native'],
    unwatched: [...TRACEPOINTS],
    became: { verdicts: sent, losses: {}, arrived: 100 },
  });
});
