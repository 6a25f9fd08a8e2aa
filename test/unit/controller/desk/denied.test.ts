import test from 'ava';
import { effectNotes, planNotes } from '../../../../cli/show/plan-notes.ts';
import { layOutPlan } from '../../../../cli/show/plan-table.ts';
import type { GuardStatus } from '../../../../protocol/guard.ts';
import type { Planned, PlanReply } from '../../../../protocol/plan.ts';
import { AMPLE_BYTES, Folder, openStore, spec, status } from '../fleet.ts';

const BUS = { name: 'bus', key: 'v4 tcp 192.0.2.10/32:4222 > 0.0.0.0/0:*' };

async function planFor(
  guards: Readonly<Record<string, GuardStatus | null>>,
  specs: readonly unknown[],
): Promise<PlanReply> {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  for (const [host, guard] of Object.entries(guards))
    await store.roster.report([
      { status: status(host, { labels: { role: 'edge' }, epoch: '', stored: 0, guard }), seenAtMs: 5 },
    ]);
  return store.desk.plan({ v: 1, upload: 'u', part: 0, parts: 1, specs }, AMPLE_BYTES);
}

const hosts = { role: 'edge' };
const inside = {
  name: 'bus',
  hosts,
  match: { src: '192.0.2.10', proto: 'tcp', sport: 4222 },
  to: { nexthop: '10.0.0.7' },
};
const wide = { name: 'wide', hosts, match: { src: '192.0.2.0/24' }, to: { nexthop: '10.0.0.7' } };

test('plan: what the guards of hosts deny is said, with hosts and rule; what only overlaps is not denied', async (t) => {
  const guards = {
    'edge-1': { protect: [BUS] },
    'edge-2': { protect: [BUS] },
    'edge-3': { protect: [] },
    'edge-4': null,
  };
  const plan = await planFor(guards, [inside, wide]);
  t.deepEqual(plan.denied, [
    {
      name: 'bus',
      key: BUS.key,
      by: `it protects bus: ${BUS.key}`,
      hosts: ['edge-1', 'edge-2'],
      hostsTotal: 2,
    },
  ]);
  t.is(plan.deniedTotal, 2);
  const { v: _, upload: __, ...planned } = plan;
  const expected = `bus will not be installed on edge-1,edge-2, whose guard denies it: it protects bus: ${BUS.key}`;
  t.true(planNotes(planned as Planned).includes(expected));
  t.true(effectNotes(planned as Planned).includes(expected), 'an apply says it, too');
  t.regex(layOutPlan(planned as Planned, { width: 80, colour: false }), /^DENIED +BY THE HOST'S GUARD +HOSTS/m);
});

test('plan: what guards allow is not said to be denied, and their limit of redirects is room', async (t) => {
  const plan = await planFor({ 'edge-1': { dst: ['10.0.0.0/8'], maxRedirects: 1, protect: [] } }, [
    spec('a', 1, { hosts }),
    spec('b', 2, { hosts }),
    { ...wide, name: 'c', match: { dst: '203.0.112.0/24' } },
  ]);
  t.deepEqual(
    plan.denied?.map(({ name }) => name),
    ['c'],
  );
  t.like(plan.hosts[0], { redirectsMax: 1, over: ['redirects'] });
});
