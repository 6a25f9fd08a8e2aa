import test from 'ava';
import type { HostItem } from '../../protocol/listings.ts';
import { attachHost, CONVERGE_MS, serviceRedirect, startProduct } from '../support/operator.ts';
import { until } from '../support/process.ts';
import { HOST, Testbed } from '../support/testbed.ts';
import { Asker, Echo } from '../support/traffic.ts';

const RATE = 200;
const NAME = 'web';
const OTHERS = Array.from({ length: 9 }, (_, at) => `other-${at}`);

function otherRedirect(name: string): object {
  return { name, hosts: [HOST], match: { dst: `10.9.0.${name.slice('other-'.length)}` }, to: 'drop' };
}

/** Waits until so many entries are in the kernel's map. */
async function stands(bed: Testbed, count: number): Promise<void> {
  await until(`${count} entries are there`, CONVERGE_MS, async () => (await bed.entries('redirect4')).length === count);
}

async function hostItem(bed: Testbed): Promise<HostItem | undefined> {
  return ((await bed.ask('hosts')) as { readonly items: readonly HostItem[] }).items[0];
}

test.serial(
  'brake: what would take too much from a host is withheld, and C goes on answering, over kill and boot, until it is let go',
  async (t) => {
    await using bed = await Testbed.make();
    const { agent, operator } = await startProduct(bed);
    const [, , asker] = [await Echo.start(bed, 'b'), await Echo.start(bed, 'c'), await Asker.start(bed)];
    const { rev } = await operator.apply(serviceRedirect(NAME, 'v4'), ...OTHERS.map(otherRedirect));
    await operator.applied(rev);
    await asker.burst(1); // C may have to say its MAC first
    await stands(bed, 10);

    await asker.steady(RATE);
    await operator.applied((await operator.delete(...OTHERS.slice(0, 3))).rev);
    await stands(bed, 7);
    const before = await asker.report();
    const { rev: last } = await operator.delete(NAME, ...OTHERS.slice(3, 5));
    const { brake, exceptions } = await operator.applied(last);
    t.is(brake?.withheld, 3, 'three after three are more than five within a minute');
    t.deepEqual([...new Set(exceptions.map(({ state, code }) => `${state} ${code}`))], ['denied BRAKE']);
    await stands(bed, 7);
    await until('hosts says it', CONVERGE_MS, async () => {
      return (await hostItem(bed))?.troubles?.some(({ code, total }) => code === 'BRAKE' && total === 3);
    });
    agent.signal('SIGKILL');
    await agent.ended;
    const second = await bed.startAgent();
    await second.until('reports its status', CONVERGE_MS, async () => (await operator.status()) !== undefined);
    t.is((await operator.status())?.brake?.withheld, 3);
    const told = await asker.stop();
    t.is((told.answers.c ?? 0) - (before.answers.c ?? 0), told.sent - before.sent, 'C has answered each');

    second.signal('SIGKILL');
    await second.ended;
    t.is((await bed.shunt('b', 'detach', '--pin-root', bed.pinRoot)).status, 0);
    await attachHost(bed);
    await stands(bed, 0);
    await bed.startAgent();
    await stands(bed, 7);
    const [served, again] = [await asker.report(), await asker.burst(50)];
    t.is((again.answers.c ?? 0) - (served.answers.c ?? 0), 50, 'maps that were made anew have it again');

    t.deepEqual(await bed.ask('release', '--host', HOST), { v: 1, host: HOST, released: 3 });
    await stands(bed, 4);
    const [held, gone] = [await asker.report(), await asker.burst(50)];
    t.is((gone.answers.b ?? 0) - (held.answers.b ?? 0), 50, 'it is let go');
    await until('hosts says nothing', CONVERGE_MS, async () => (await hostItem(bed))?.exceptions === 0);
  },
);
