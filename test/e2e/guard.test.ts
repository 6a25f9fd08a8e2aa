import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Explanation } from '../../protocol/explain.ts';
import type { PlanReply } from '../../protocol/plan.ts';
import type { Stats } from '../../protocol/stats.ts';
import { AT_BUS, catchBus, guardOf, openGuard } from '../support/at-bus.ts';
import { attachHost, CONVERGE_MS, Operator, serviceRedirect } from '../support/operator.ts';
import { type Running, until } from '../support/process.ts';
import { BUS, C, HOST, Testbed } from '../support/testbed.ts';
import { Asker, Echo } from '../support/traffic.ts';

const RATE = 200;
const PROTECTED = `v4 tcp ${BUS}/32:4222 > 0.0.0.0/0:*`;
const CATCH = catchBus([HOST]);
/** What comes in at all is to go to C. */
const WIDE = { name: 'wide', hosts: [HOST], match: { dst: '0.0.0.0/0' }, to: { nexthop: C.v4 } };

interface Guarded {
  readonly t: ExecutionContext;
  readonly bed: Testbed;
  readonly operator: Operator;
}

async function startAgent({ bed, operator }: Guarded): Promise<Running> {
  const agent = await bed.startAgent('--guard', guardOf(bed));
  await agent.until('reports its status', CONVERGE_MS, async () => (await operator.status()) !== undefined);
  return agent;
}

async function stands(bed: Testbed, wanted: boolean): Promise<void> {
  await until(`the entry is ${wanted ? '' : 'not '}there`, CONVERGE_MS, async () => {
    return (await bed.entries('redirect4')).length === (wanted ? 1 : 0);
  });
}

test.serial(
  'guard: a file that is not right ends the start of an agent; of a redirect that takes all, packets of the bus pass; one that catches them is denied, and where the guard is open, installed; where an older loader made the maps, the host says that nothing is let pass',
  async (t) => {
    t.timeout(600_000);
    await using bed = await Testbed.make();
    const guarded = { t, bed, operator: new Operator(bed) };
    await bed.startNats();
    await bed.startController();
    await attachHost(bed, AT_BUS);
    await wrongFile(guarded);
    await startAgent(guarded);
    await overlapping(guarded);
    await denied(guarded);
    await opened(guarded);
  },
);

/** The agent ends, and says line and field. */
async function wrongFile({ t, bed }: Guarded): Promise<void> {
  await writeFile(guardOf(bed), 'protect:\n  - bus\n  - sssh\n', { mode: 0o644 });
  const agent = await bed.startAgent('--guard', guardOf(bed));
  t.is(await until('the agent ends', CONVERGE_MS, () => agent.status), 1);
  t.regex(agent.lines.join('\n'), /guard\.yaml:3: protect\[1\]: expected one of bus, ssh, dns, not "sssh"/);
  await rm(guardOf(bed));
}

/** Packets of the bus pass a redirect that takes all, and all others are sent to C. */
async function overlapping({ t, bed, operator }: Guarded): Promise<void> {
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
  t.is((await asker.report()).repeats, 0);

  // The bus carries on: what is deleted there goes here.
  await operator.delete('wide');
  await asker.answeredBy('b', CONVERGE_MS);
  const after = await operator.apply(serviceRedirect('to-c', 'v4'));
  await operator.applied(after.rev);
  await asker.answeredBy('c', CONVERGE_MS);
  await operator.delete('to-c');
  await asker.answeredBy('b', CONVERGE_MS);
  await asker.stop();
}

/** A change that catches the bus: `plan` says it before, and the host after. */
async function denied({ t, bed, operator }: Guarded): Promise<void> {
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
}

/** It is installed, and cuts the host off until the guard is closed. */
async function opened({ t, bed, operator }: Guarded): Promise<void> {
  await openGuard(bed);
  await stands(bed, true);
  await until('the host is cut off', CONVERGE_MS, async () => (await operator.status()) === undefined);

  await rm(guardOf(bed));
  await stands(bed, false);
  const back = await until('the host is back', CONVERGE_MS, () => operator.status());
  t.like(back.exceptions, [{ name: 'catch', code: 'GUARD_DENIED' }]);
  await operator.delete('catch');
}
