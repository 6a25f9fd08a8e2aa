import test, { type ExecutionContext } from 'ava';
import { CONVERGE_MS, type Operator, serviceRedirect, startProduct } from '../support/operator.ts';
import { until } from '../support/process.ts';
import { Testbed } from '../support/testbed.ts';
import { Asker, Echo } from '../support/traffic.ts';

const RATE = 200;

/** Waits until the only redirect stands so: `installed`, or the code that blocks it. */
async function stands(t: ExecutionContext, operator: Operator, as: string): Promise<void> {
  let last = '';
  await until(`the redirect is ${as}`, CONVERGE_MS, async () => {
    const [entry] = await operator.dump();
    last = entry?.code ?? entry?.state ?? 'unknown';
    return last === as;
  }).catch(() => t.fail(`the redirect should be ${as}, and is ${last}`));
}

test.serial('network: an entry goes while its egress cannot deliver, and comes back by itself', async (t) => {
  await using bed = await Testbed.make();
  const { operator } = await startProduct(bed, '--mode', 'native');
  await Echo.start(bed, 'b');
  await Echo.start(bed, 'c');
  const asker = await Asker.start(bed);
  await asker.steady(RATE);
  await asker.answeredBy('b', CONVERGE_MS);
  await operator.apply(serviceRedirect('to-c', 'v4'));
  await asker.answeredBy('c', CONVERGE_MS);

  await bed.must('c', ['ethtool', '-K', 'to-b', 'gro', 'off']);
  await stands(t, operator, 'NO_XDP_PATH');
  await asker.answeredBy('b', CONVERGE_MS);
  await bed.must('c', ['ethtool', '-K', 'to-b', 'gro', 'on']);
  await stands(t, operator, 'installed');
  await asker.answeredBy('c', CONVERGE_MS);

  await bed.must('c', ['ip', 'link', 'set', 'to-b', 'down']);
  await stands(t, operator, 'NO_INTERFACE');
  await asker.answeredBy('b', CONVERGE_MS);
  await bed.must('c', ['ip', 'link', 'set', 'to-b', 'up']);
  // The kernel drops routes and neighbours of a link that goes down; C's way back is C's own affair.
  await bed.must('c', ['ip', 'route', 'replace', 'default', 'via', '192.0.2.1']);
  await stands(t, operator, 'installed');
  await asker.answeredBy('c', CONVERGE_MS);
  t.is((await operator.status())?.exceptionsTotal, 0);
});
