import type { GetItem } from '../../protocol/listings.ts';
import type { PlanChange } from '../../protocol/plan-lines.ts';
import { someText } from './format.ts';

/** On which hosts a redirect is given up: the first of them, and how many in all; `everywhere`: on all that it is for. */
export interface IdleOn {
  readonly hosts: readonly string[];
  readonly total: number;
  readonly everywhere: boolean;
}

/** Of some redirects, by their names, where they are idle. */
export function idleOf(items: readonly GetItem[]): ReadonlyMap<string, IdleOn> {
  return new Map(
    items.flatMap(({ spec, live }) => {
      const idle = live?.states.find(({ state }) => state === 'idle');
      if (live === undefined || idle === undefined) return [];
      const { hosts, total } = idle;
      return [[String(spec.name), { hosts, total, everywhere: total === live.total }] as const];
    }),
  );
}

/** Says on which of the hosts of a change packets do not meet a redirect, as it is idle there; of very many hosts, on which of all. */
export function idleText(
  idle: IdleOn | undefined,
  { hosts, hostsTotal }: Pick<PlanChange, 'hosts' | 'hostsTotal'>,
): string {
  if (idle === undefined) return '';
  if (idle.everywhere) return ', idle';
  if (hosts.length < hostsTotal || idle.hosts.length < idle.total)
    return `, idle on ${someText(idle.hosts, idle.total)}`;
  const both = hosts.filter((host) => idle.hosts.includes(host));
  if (both.length === 0) return '';
  return both.length === hosts.length ? ', idle' : `, idle on ${someText(both)}`;
}
