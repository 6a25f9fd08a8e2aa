import test from 'ava';
import type { Explanation } from '../../protocol/explain.ts';
import type { HostItem } from '../../protocol/listings.ts';
import { CONVERGE_MS, serviceRedirect, startProduct } from '../support/operator.ts';
import { type Running, until } from '../support/process.ts';
import { Strace, type Syscall } from '../support/strace.ts';
import { HOST, Testbed } from '../support/testbed.ts';
import { Asker, Echo } from '../support/traffic.ts';

const AFTER_MS = 2_000;
const RATE = 200;
const BURST = 100;
const NAME = 'quiet';
const LASTING = 'lasting';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function explained(bed: Testbed): Promise<Explanation> {
  return (await bed.ask('explain', '--host', HOST, NAME)) as Explanation;
}

/** Waits until the entry is in the kernel's map, or is not. */
async function stands(bed: Testbed, wanted: boolean): Promise<void> {
  await until(`the entry is ${wanted ? '' : 'not '}there`, CONVERGE_MS, async () => {
    return (await bed.entries('redirect4')).length === (wanted ? 1 : 0);
  });
}

/** Has a stopped agent go on, once what it watches has been silent for long enough, and die at this system call. */
async function diesAt(bed: Testbed, agent: Running, at: Syscall): Promise<void> {
  await sleep(AFTER_MS);
  await Strace.attach(bed, agent.pid, at);
  agent.signal('SIGCONT');
  await agent.ended;
}

test.serial(
  'idle: A falls silent, and its entry is gone and nothing else, whenever the agent dies; B answers A, until it is armed',
  async (t) => {
    await using bed = await Testbed.make();
    const { agent, operator } = await startProduct(bed);
    const [, , asker] = [await Echo.start(bed, 'b'), await Echo.start(bed, 'c'), await Asker.start(bed)];
    const idle = { after: AFTER_MS };
    const { rev } = await operator.apply({ ...serviceRedirect(NAME, 'v4'), idle }, serviceRedirect(LASTING, 'v6'));
    await operator.applied(rev);
    await stands(bed, true); // C may have to say its MAC first

    await asker.steady(RATE);
    await sleep(3 * AFTER_MS);
    t.is((await bed.entries('redirect4')).length, 1, 'it stands while A sends');
    const { silence } = await explained(bed);
    t.deepEqual(silence?.by, ['to-a', 'to-c']);
    t.true((silence?.leftMs ?? 0) > 0);
    agent.signal('SIGSTOP');
    const told = await asker.stop();
    t.deepEqual(told.answers, { c: told.sent });

    await diesAt(bed, agent, { name: 'fsync', nth: 1 });
    t.is((await bed.entries('redirect4')).length, 1, 'the store has it that it is idle, and the kernel has not');
    const second = await bed.startAgent();
    await stands(bed, false);
    await second.until('reports its status', CONVERGE_MS, async () => (await operator.status()) !== undefined);
    t.is((await bed.entries('redirect6')).length, 1, 'what has no such time stays');
    const passed = await asker.burst(BURST);
    t.deepEqual([passed.answers.b, passed.lost], [BURST, 0]);
    const { state, packets, entry } = await explained(bed);
    t.deepEqual([state, packets, entry], ['idle', String(told.sent), null]);
    await until('the controller counts it', CONVERGE_MS, async () => {
      const [host] = ((await bed.ask('hosts')) as { readonly items: readonly HostItem[] }).items;
      return host?.idle === 1;
    });

    const armed = await bed.ask('rearm', NAME);
    t.deepEqual(armed, { items: [{ host: HOST, name: NAME, was: 'idle', state: 'installed' }], failed: [] });
    const again = await asker.burst(BURST);
    t.is((again.answers.c ?? 0) - (passed.answers.c ?? 0), BURST);
    second.signal('SIGSTOP');
    await diesAt(bed, second, { name: 'membarrier', nth: 1 });
    t.deepEqual(await bed.entries('redirect4'), [], 'it is gone, and nobody has looked who met it last');
    const third = await bed.startAgent();
    await third.until('reports its status', CONVERGE_MS, async () => (await operator.status()) !== undefined);
    t.deepEqual(await bed.entries('redirect4'), [], 'a restart brings it not back');
    await operator.apply({ ...serviceRedirect(NAME, 'v4'), idle: { after: AFTER_MS + 1 } });
    await stands(bed, true);
  },
);
