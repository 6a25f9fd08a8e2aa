/** Where counters may live, and what they cost. */
import { kernelTests } from '../../support/kernel.ts';
import { observer } from './observe.ts';

const kernel = kernelTests();

interface Lost {
  readonly packets: number;
  readonly updates: number;
  readonly inValue: number;
  readonly inRows: number;
}

kernel(
  'fact counter-lost: counts in a value are lost by updates from user space; rows elsewhere lose none',
  async (t) => {
    const { packets, updates, inValue, inRows } = await observer<Lost>('counting.scenario.ts')('lost', '2000000');
    t.log({ packets, updates, lost: `${(100 * (1 - inValue / packets)).toFixed(1)} %` });
    t.is(inRows, packets);
    t.true(inValue < packets, 'inconclusive: nothing was lost');
  },
);

kernel('fact counter-cost: ns a packet by ways to count, on one CPU and on two (printed, not judged)', async (t) => {
  const costs = await observer<Record<string, number>>('counting.scenario.ts')('cost', '3');
  t.log(costs);
  t.true(Object.values(costs).every((ns) => ns > 0));
});
