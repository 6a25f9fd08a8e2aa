/** The map of passed hits in pins of this loader, and in those of loaders that know fewer reasons or more. */
import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';

const kernel = kernelTests();
const observe = (scenario: string): Promise<unknown> =>
  runInNamespace(new URL('passed.scenario.ts', import.meta.url), scenario);

const none = { TTL: 0, TOO_BIG: 0, NO_PORT: 0, VLAN: 0, UNKNOWN_ACTION: 0 };

kernel("passed: this loader pins the map for the agent's user, once, and takes it along", async (t) => {
  t.deepEqual(await observe('made'), { pin: '65534:65534 600', again: false, counts: [{}, {}], left: false });
});

kernel('passed: of a map with fewer reasons those are read that it has', async (t) => {
  t.deepEqual(await observe('fewer'), [{ TTL: 7 }, { TTL: 0 }]);
});

kernel(
  'passed: of a map with more reasons those are read that are known, and a retired slot is cleared in all',
  async (t) => {
    t.deepEqual(await observe('more'), {
      counts: [{ ...none, TTL: 7, TOO_BIG: 8 }, none],
      rows: [0, 10],
    });
  },
);
