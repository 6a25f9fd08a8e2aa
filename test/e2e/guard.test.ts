import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Explanation } from '../../protocol/explain.ts';
import type { PlanReply } from '../../protocol/plan.ts';
import type { Stats } from '../../protocol/stats.ts';
import { CONVERGE_MS, Operator, serviceRedirect } from '../support/operator.ts';
import { type Running, until } from '../support/process.ts';
import { C, HOST, Testbed } from '../support/testbed.ts';
import { Asker, Echo } from '../support/traffic.ts';

const RATE = 200;
const BUS = '10.99.0.1';
const PROTECTED = `v4 tcp ${BUS}/32:4222 > 0.0.0.0/0:*`;

/** What comes from the bus is to go to C. */
const CATCH = {
  name: 'catch',
  hosts: [HOST],
  match: { src: BUS, proto: 'tcp', sport: 4222 },
  to: { nexthop: C.v4 },
};
/** What comes in at all is to go to C. */
const WIDE = { name: 'wide', hosts: [HOST], match: { dst: '0.0.0.0/0' }, to: { nexthop: C.v4 } };

interface Guarded {
  readonly operator: Operator;
  readonly agent: Running;
  /** The guard file, which is not there yet. */
  readonly file: string;
}

/** The whole product, with the program also where packets of the bus come in. */
async function start(bed: Testbed): Promise<Guarded> {
  await bed.startNats();
  await bed.startController();
  const interfaces = ['to-a', 'to-c', 'to-bus'].flatMap((name) => ['--interface', name]);
  const attached = await bed.attach(...interfaces);
  if (attached.status !== 0) throw new Error(attached.stderr);
  const file = join(bed.folder, 'guard.yaml');
  const agent = await bed.startAgent('--guard', file);
  const operator = new Operator(bed);
  await agent.until('reports its status', CONVERGE_MS, async () => (await operator.status()) !== undefined);
  return { operator, agent, file };
}

async function stands(bed: Testbed, wanted: boolean): Promise<void> {
  await until(`the entry is ${wanted ? '' : 'not '}there`, CONVERGE_MS, async () => {
    return (await bed.entries('redirect4')).length === (wanted ? 1 : 0);
  });
}

test.serial(
  'guard: a change that catches the bus is denied; where the guard is open it is installed, and cuts the host off until it is closed',
  async (t) => {
    t.timeout(600_000);
    await using bed = await Testbed.make();
    const { operator, file } = await start(bed);
    await until('the controller heard the guard', CONVERGE_MS, async () => {
      const written = join(bed.folder, 'catch.jsonl');
      await writeFile(written, JSON.stringify(CATCH));
      const { denied } = (await bed.ask('plan', '-f', written)) as PlanReply;
      return denied?.some(({ name, hosts, by }) => name === 'catch' && hosts.includes(HOST) && by.includes(PROTECTED));
    });
    const { rev } = await operator.apply(CATCH);
    const { exceptions, guard } = await operator.applied(rev);
    t.like(exceptions, [{ name: 'catch', state: 'denied', code: 'GUARD_DENIED' }]);
    t.true(guard?.protect.some(({ name, key }) => name === 'bus' && key === PROTECTED));
    t.deepEqual(await bed.entries('redirect4'), []);
    const { guard: says } = (await bed.ask('explain', '--host', HOST, 'catch')) as Explanation;
    t.deepEqual(says, { is: 'denied', by: [`it protects bus: ${PROTECTED}`] });

    await writeFile(file, 'protect: [ssh]\n', { mode: 0o644 });
    await stands(bed, true);
    await until('the host is cut off', CONVERGE_MS, async () => (await operator.status()) === undefined);

    await rm(file);
    await stands(bed, false);
    const back = await until('the host is back', CONVERGE_MS, () => operator.status());
    t.like(back.exceptions, [{ name: 'catch', code: 'GUARD_DENIED' }]);
  },
);

test.serial('guard: of a redirect that takes all, packets of the bus pass, and all others are sent to C', async (t) => {
  t.timeout(600_000);
  await using bed = await Testbed.make();
  const { operator } = await start(bed);
  await Promise.all([Echo.start(bed, 'b'), Echo.start(bed, 'c')]);
  const asker = await Asker.start(bed);
  await asker.steady(RATE);
  await asker.answeredBy('b', CONVERGE_MS);
  const { rev } = await operator.apply(WIDE);
  const { exceptions } = await operator.applied(rev);
  t.deepEqual(exceptions, []);
  await asker.answeredBy('c', CONVERGE_MS);
  const { guard } = (await bed.ask('explain', '--host', HOST, 'wide')) as Explanation;
  t.is(guard?.is, 'overlaps');
  t.true(guard?.by.includes(`bus: ${PROTECTED}`));
  const { verdicts } = (await bed.ask('stats', '--host', HOST)) as Stats;
  t.true(Number(verdicts.PROTECTED) > 0 && Number(verdicts.SENT) > 0, JSON.stringify(verdicts));
  t.deepEqual((await asker.report()).repeats, 0);

  // The bus carries on: what is deleted there goes here.
  await operator.delete('wide');
  await asker.answeredBy('b', CONVERGE_MS);
  const after = await operator.apply(serviceRedirect('to-c', 'v4'));
  await operator.applied(after.rev);
  await asker.answeredBy('c', CONVERGE_MS);
});

test.serial('guard: a file that is not right ends the start of an agent, and it says line and field', async (t) => {
  await using bed = await Testbed.make();
  await bed.attach('--interface', 'to-a');
  const file = join(bed.folder, 'guard.yaml');
  await writeFile(file, 'protect:\n  - bus\n  - sssh\n', { mode: 0o644 });
  const agent = await bed.startAgent('--guard', file);
  t.is(await until('the agent ends', CONVERGE_MS, () => agent.status), 1);
  t.regex(agent.lines.join('\n'), /guard\.yaml:3: protect\[1\]: expected one of bus, ssh, dns, not "sssh"/);
});

test.serial('guard: where an older loader made the maps, the host says that nothing is let pass', async (t) => {
  t.timeout(600_000);
  await using bed = await Testbed.make();
  await bed.startNats();
  await bed.startController();
  await bed.attach('--interface', 'to-a', '--interface', 'to-c');
  await rm(join(bed.pins, 'protect'));
  const agent = await bed.startAgent();
  const operator = new Operator(bed);
  await agent.until('reports its status', CONVERGE_MS, async () => (await operator.status()) !== undefined);
  const { rev } = await operator.apply(serviceRedirect('to-c', 'v4'));
  const { guard, counts } = await operator.applied(rev);
  t.deepEqual([guard?.unchecked, counts.installed], [true, 1]);
});
