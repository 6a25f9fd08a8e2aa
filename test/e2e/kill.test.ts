import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { inKernel } from '../support/in-kernel.ts';
import { CONVERGE_MS, serviceRedirect, startProduct } from '../support/operator.ts';
import { Testbed } from '../support/testbed.ts';
import { Asker, Echo } from '../support/traffic.ts';

const REDIRECTS = 10_000;
/** How often the agent is killed: `KILLS=50` for the long run. */
const KILLS = Number(process.env.KILLS ?? 4);
const RATE = 500;
const BUSY_MS = 120_000;

function address(index: number): string {
  return `100.64.${index >> 8}.${index & 255}`;
}

/** The target's MAC tells which version of the redirect an entry is of. */
function macOf(version: number): string {
  return `02:00:00:00:${(version >> 8).toString(16).padStart(2, '0')}:${(version & 255).toString(16).padStart(2, '0')}`;
}

function manyRedirects(version: number): object[] {
  return Array.from({ length: REDIRECTS }, (_, index) => ({
    name: `many-${index}`,
    hosts: ['b'],
    match: { dst: address(index), proto: 'udp' },
    to: { interface: 'to-c', mac: macOf(version) },
  }));
}

function desired(version: number): Set<string> {
  return new Set(Array.from({ length: REDIRECTS }, (_, index) => `${address(index)} ${macOf(version)}`));
}

test.serial(
  `kill: ${KILLS} kills -9 during applies of ${REDIRECTS} lose no datagram, and the kernel ends as desired`,
  async (t) => {
    t.timeout(20 * 60_000);
    await using bed = await Testbed.make();
    const product = await startProduct(bed);
    const { operator } = product;
    let { agent } = product;
    const [b, c] = [await Echo.start(bed, 'b'), await Echo.start(bed, 'c')];
    const asker = await Asker.start(bed);
    await asker.steady(RATE);
    await asker.answeredBy('b', CONVERGE_MS);
    await operator.apply(serviceRedirect('to-c', 'v4'));
    await asker.answeredBy('c', CONVERGE_MS);
    const atB = await b.counted();

    const start = performance.now();
    await operator.applied((await operator.apply(...manyRedirects(0))).rev, BUSY_MS);
    const undisturbedMs = performance.now() - start;

    for (let version = 1; version <= KILLS; version++) {
      const applying = operator.apply(...manyRedirects(version));
      await delay(Math.random() * undisturbedMs);
      await agent.stop('SIGKILL');
      agent = await bed.startAgent();
      const { rev } = await applying;
      const { counts, exceptionsTotal } = await operator.applied(rev, BUSY_MS, agent);
      t.deepEqual([counts.desired, counts.installed, exceptionsTotal], [REDIRECTS + 1, REDIRECTS + 1, 0]);
      const kernel = await inKernel(bed);
      t.is(kernel.size, REDIRECTS + 1);
      t.true(kernel.isSupersetOf(desired(version)), `kernel = desired after kill ${version}`);
    }

    const asked = await asker.stop();
    t.is(asked.lost, 0);
    t.is((await b.counted()).datagrams, atB.datagrams, 'not one datagram went to B');
    t.is((await c.counted()).datagrams, asked.sent - atB.datagrams);
  },
);
