import { readFileSync } from 'node:fs';
import test from 'ava';
import { layOutPlan } from '../../../../cli/show/plan-table.ts';
import type { LiveGroup } from '../../../../protocol/live.ts';
import type { Planned } from '../../../../protocol/plan.ts';
import type { PlanChange } from '../../../../protocol/plan-lines.ts';

const FIXTURE = new URL('../../../../protocol/fixtures/plan-reply.json', import.meta.url);
const PLANNED = JSON.parse(readFileSync(FIXTURE, 'utf8')) as Planned;
const PIPE = { width: undefined, colour: false };

function change(more: Partial<PlanChange>): PlanChange {
  return {
    ...{ op: 'change', name: 'web', key: 'v4 udp 0.0.0.0/0:* > 203.0.113.10/32:443' },
    ...{ from: { to: { nexthop: '10.0.0.7' }, by: 'web' }, to: { to: { nexthop: '10.0.0.9' }, by: 'web' } },
    ...{ hosts: ['edge-1', 'edge-2'], hostsTotal: 2 },
    ...more,
  };
}

/** FROM and TO of one change, where `idle` says on which hosts redirects are given up. */
function ways(of: Partial<PlanChange>, idle: Readonly<Record<string, Idle>>, rearm = 'revision'): string {
  const planned = { ...PLANNED, changes: [change(of)], changesTotal: 2 };
  const specs = [{ name: 'web', json: { name: 'web', idle: { after: 600_000, rearm } } }];
  const text = layOutPlan(planned, PIPE, specs, new Map(Object.entries(idle)));
  const [titles = '', row = ''] =
    text
      .split('\n\n')
      .find((section) => section.startsWith('OP '))
      ?.split('\n') ?? [];
  const [from, end] = [titles.indexOf('FROM'), titles.indexOf('HOSTS')];
  return row.slice(from, end).trim().split(/ {2,}/).join(' → ');
}

type Idle = Pick<LiveGroup, 'hosts' | 'total'> & { readonly everywhere: boolean };

function idleOn(...hosts: readonly string[]): Idle {
  return { hosts, total: hosts.length, everywhere: false };
}

test('plan: where a redirect is given up, FROM says so, for packets pass there', (t) => {
  t.is(ways({}, {}), '10.0.0.7 → 10.0.0.9');
  t.is(ways({}, { web: idleOn('edge-2', 'edge-3') }), '10.0.0.7, idle on edge-2 → 10.0.0.9');
  t.is(ways({}, { web: idleOn('edge-1', 'edge-2', 'edge-3') }), '10.0.0.7, idle → 10.0.0.9');
  t.is(ways({}, { web: idleOn('edge-3'), dns: idleOn('edge-1') }), '10.0.0.7 → 10.0.0.9');
  const gone: Partial<PlanChange> = { op: 'delete', to: { to: 'pass' } };
  t.is(ways(gone, { web: idleOn('edge-1') }), '10.0.0.7, idle on edge-1 → B');
  const other: Partial<PlanChange> = { op: 'add', from: { to: 'drop', by: 'scan' } };
  t.is(ways(other, { scan: idleOn('edge-1', 'edge-2') }), 'drop (scan), idle → 10.0.0.9');
  t.is(ways({ from: { to: 'pass' } }, { web: idleOn('edge-1') }), 'B → 10.0.0.9');
});

test('plan: where not all hosts are listed, as many are said to have it given up as there are in all', (t) => {
  const many = { hosts: ['edge-1', 'edge-2', 'edge-3', 'edge-4', 'edge-5'], hostsTotal: 30 };
  t.is(ways(many, { web: { ...idleOn('edge-7'), total: 9 } }), '10.0.0.7, idle on edge-7 +8 → 10.0.0.9');
  t.is(ways(many, { web: { ...idleOn('edge-1'), total: 30, everywhere: true } }), '10.0.0.7, idle → 10.0.0.9');
});

test('plan: what only shunt rearm has stand again is given up afterwards, too', (t) => {
  t.is(ways({}, { web: idleOn('edge-2') }, 'never'), '10.0.0.7, idle on edge-2 → 10.0.0.9, idle on edge-2');
  t.is(ways({ op: 'delete', to: { to: 'pass' } }, { web: idleOn('edge-2') }, 'never'), '10.0.0.7, idle on edge-2 → B');
});
