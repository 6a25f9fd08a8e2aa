import { loopText, type Mark } from '../../protocol/effects.ts';
import type { Planned } from '../../protocol/plan.ts';
import type { PlanGate, PlanHost, PlanOver } from '../../protocol/plan-lines.ts';
import { countText, nearText, someText, strangerTexts } from './format.ts';
import { movedText } from './moved.ts';

const OVER: Readonly<Record<PlanOver, (host: PlanHost) => string>> = {
  redirects: (host) =>
    `would have ${host.redirects} redirects, and room for ${host.redirectsMax}: some would be blocked`,
  shapes4: (host) =>
    `would have ${host.shapes4} IPv4 shapes, and looks up ${host.shapesMax}: some redirects would be blocked`,
  shapes6: (host) =>
    `would have ${host.shapes6} IPv6 shapes, and looks up ${host.shapesMax}: some redirects would be blocked`,
};

const MARKED: Readonly<Record<Mark, string>> = {
  drop: 'dropped, and not before',
  gone: 'no redirect has these packets any more, and they go on to B',
  'takes-all': 'all that is sent to the destination goes elsewhere, so nothing is left there',
};

/** Of more, the table of a plan tells. */
const MAX_DENIED = 3;

/** What of a plan deserves a second look, a sentence each. */
export function planNotes(planned: Planned): readonly string[] {
  const { hosts, unmatched, unmatchedTotal, unheard, unheardTotal, set, near = [] } = planned;
  return [
    ...loopNotes(planned),
    ...gateNotes(planned),
    ...effectNotes(planned, ''),
    ...hosts.flatMap((host) => host.over.map((what) => `${host.host} ${OVER[what](host)}`)),
    ...near.map(({ name }) => `${name} is not there${nearText(name, near)}`),
    ...(set?.movedTotal ? [`would be ${movedText(set)}`] : []),
    ...strangerTexts({ unmatched, unmatchedTotal, unheard, unheardTotal }),
  ];
}

/** The same of an apply: what its own answer does not say, and where to see more. */
export function effectNotes(
  { changes, shadowed, collateral = [], denied = [] }: Planned,
  more = '; see shunt plan',
): readonly string[] {
  const marks = Object.entries(MARKED).flatMap(([mark, text]) => {
    const names = changes.filter(({ marks = [] }) => marks.includes(mark)).map(({ name }) => name);
    return names.length === 0 ? [] : [`${namesText(names)}: ${text}`];
  });
  const ties = shadowed.filter(({ tie }) => tie === true);
  const tied = ties.map(({ by, name }) => `${by} over ${name}`);
  const touched = collateral.map(({ name }) => name);
  return [
    ...marks,
    ...denied.slice(0, MAX_DENIED).map(({ name, by, hosts, hostsTotal }) => {
      return `${name} will not be installed on ${someText(hosts, hostsTotal)}, whose guard denies it: ${by}`;
    }),
    ...(denied.length > MAX_DENIED ? [`guards deny ${denied.length - MAX_DENIED} more${more}`] : []),
    ...(touched.length === 0 ? [] : [`not named, and its packets change: ${namesText(touched)}${more}`]),
    ...(tied.length === 0 ? [] : [`only the name decides: ${namesText(tied)}; give one of them another priority`]),
  ];
}

function loopNotes({ loops = [] }: Planned): readonly string[] {
  return loops.map((loop) => `apply refuses it: ${loopText(loop)}`);
}

function gateNotes(planned: Planned): readonly string[] {
  return gatesOf(planned).map(({ gate, text }) => `${text}: apply wants --allow-${gate} and --reason`);
}

/** What would have to be allowed, and why. */
export function gatesOf({ hosts }: Pick<Planned, 'hosts'>): readonly {
  readonly gate: PlanGate;
  readonly text: string;
}[] {
  return (['shrink', 'growth'] as const).flatMap((gate) => {
    const found = hosts.filter((host) => host.gate?.includes(gate));
    const [first] = found;
    return first === undefined ? [] : [{ gate, text: gateText(gate, first, found.length - 1) }];
  });
}

function gateText(gate: 'shrink' | 'growth', host: PlanHost, others: number): string {
  const { added, deleted, retargeted = 0, redirects } = host;
  const had = redirects - added + deleted;
  const more = others === 0 ? '' : `, as ${countText(others, 'other host')}`;
  if (gate === 'growth') return `${host.host} has ${had} redirects and would be given ${added} more${more}`;
  return `of ${had} redirects on ${host.host}, ${deleted} would go and ${retargeted} send elsewhere${more}`;
}

function namesText(names: readonly string[]): string {
  return someText([...new Set(names)]);
}
