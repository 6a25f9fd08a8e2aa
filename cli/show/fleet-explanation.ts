import type { Explanation } from '../../protocol/explain.ts';
import type { GetItem } from '../../protocol/listings.ts';
import {
  type AnyLiveState,
  isInForce,
  LIVE_STATES,
  type Live,
  type LiveGroup,
  type LiveState,
} from '../../protocol/live.ts';
import {
  actionText,
  ageText,
  countText,
  hostsText,
  matchText,
  meaningText,
  selectorText,
  spanText,
  timeText,
} from './format.ts';
import { standText, toneOfState } from './live.ts';
import { nextHopText } from './next-hop.ts';
import { type Cell, fields } from './table.ts';
import { fill, paint, type Terminal } from './terminal.ts';

type Screen = Pick<Terminal, 'width' | 'colour'>;

/** A host that did not answer, or has no such redirect. */
export interface Unanswered {
  readonly host: string;
  readonly code: string;
  readonly message: string;
}

/** What the controller says of a redirect, and what its hosts answered. */
export interface FleetExplanation {
  readonly item: Omit<GetItem, 'selector' | 'rest'>;
  readonly answers: readonly Explanation[];
  readonly failed: readonly Unanswered[];
}

/** Hosts that said the same. */
export interface Answer {
  readonly state: AnyLiveState;
  readonly code?: string;
  readonly by?: string;
  /** Why, in words. */
  readonly because: string;
  readonly hosts: readonly string[];
}

/** Groups equal answers, the worst first; who did not answer stands apart. */
export function groupAnswers({ item, answers, failed }: FleetExplanation): readonly Answer[] {
  const heard = heardOf(item.live);
  const told: readonly (Omit<Answer, 'hosts'> & { readonly host: string })[] = [
    ...answers.map((one) => ({ ...answerOf(one, heard.get(one.host)), host: one.host })),
    ...failed.filter(isPending).map(({ host }) => ({ ...PENDING, host })),
    ...item.shadowed.map(({ host, by }) => ({ state: 'shadowed', by, because: '', host })),
    ...(item.notSent ?? []).map((one) => ({
      state: 'unsent',
      code: one.code,
      because: `its agent does not say that it can: ${one.lacks.join(', ')}`,
      host: one.host,
    })),
  ];
  const alike = Map.groupBy(told, ({ state, code, by, because }) => JSON.stringify([state, code, by, because]));
  const groups = [...alike.values()].map((all): Answer => {
    const [{ host: _, ...first } = { ...PENDING, host: '' }] = all;
    return { ...first, hosts: all.map(({ host }) => host) };
  });
  return groups.sort((a, b) => rank(a.state) - rank(b.state) || b.hosts.length - a.hosts.length);
}

const PENDING = { state: 'pending', because: 'the host answers, and does not have it yet' };

/** It answered, and has no redirect of the name. */
function isPending({ code }: Unanswered): boolean {
  return code === 'UNKNOWN_REDIRECT';
}

/** What gives no answer is nothing that is known to be well. */
export function silentOf({ failed }: Pick<FleetExplanation, 'failed'>): readonly Unanswered[] {
  return failed.filter((one) => !isPending(one));
}

/** A state that is not known stands first. */
function rank(state: AnyLiveState): number {
  return LIVE_STATES.indexOf(state as LiveState);
}

/** What a status says of a host and no explanation does. */
const BY_STATUS: ReadonlySet<AnyLiveState> = new Set(['undelivered', 'held', 'passed', 'unconfirmed']);

function heardOf(live: Live | undefined): ReadonlyMap<string, LiveGroup> {
  const groups = live?.states.filter(({ state }) => BY_STATUS.has(state)) ?? [];
  return new Map(groups.flatMap((group) => group.hosts.map((host) => [host, group] as const)));
}

function answerOf(told: Explanation, heard: LiveGroup | undefined): Omit<Answer, 'hosts'> {
  const { state, code, errno, bypass, problems = [], expires, nexthop } = told;
  if (bypass) return { state: 'bypass', because: 'every packet of the host passes' };
  if (state === 'installed') {
    const [problem] = problems;
    if (problem === undefined && heard !== undefined) {
      const { state: by, code: why = '', leftMs } = heard;
      const back = leftMs !== undefined && `taken back in ${spanText(leftMs)} unless it is confirmed`;
      return { state: by, ...(why !== '' && { code: why }), because: together(meaningText(why), back) };
    }
    if (problem === undefined) return { state, because: '' };
    const is = problem.code === 'NOT_ATTACHED' ? 'unattached' : 'unknown';
    return {
      state: is,
      code: problem.code,
      because: together(meaningText(problem.code), problem.detail),
    };
  }
  if (state === 'expired') return { state, because: expires === undefined ? '' : `it ended at ${timeText(expires)}` };
  if (code === undefined) return { state, because: '' };
  const kernel = errno !== undefined && `the kernel said ${errno}`;
  const hop = nexthop !== null && nextHopText(nexthop);
  const means = !SAID_BY_HOP.has(`${code} ${nexthop?.state}`) && meaningText(code);
  return { state, code, because: together(means, kernel, hop) };
}

/** A next hop that is so says what the code means, and of what. */
const SAID_BY_HOP: ReadonlySet<string> = new Set([
  'NO_NEIGHBOUR failed',
  'NO_ROUTE no-route',
  'NO_INTERFACE no-interface',
]);

function together(...parts: readonly (string | false | undefined)[]): string {
  return parts.filter(Boolean).join('; ');
}

/** Lays it out for people: what is wanted, then a line for all that answered alike, and who did not answer. */
export function fleetExplanation(told: FleetExplanation, screen: Screen): string {
  const groups = groupAnswers(told);
  const silent = silentOf(told);
  const lines = [
    ...groups.flatMap((group) => groupLines(group, screen)),
    ...moreLines(told.item.live, screen),
    ...[...Map.groupBy(silent, ({ code }) => code)].flatMap(([code, some]) => silentLines(code, some, screen)),
  ];
  const nobody =
    lines.length === 0 ? [told.item.spec.enabled === false ? 'disabled' : 'for no host that is known'] : lines;
  return [fields(facts(told, groups, silent.length), screen), nobody.join('\n')].join('\n\n');
}

function facts(
  { item: { spec }, answers }: FleetExplanation,
  groups: readonly Answer[],
  silent: number,
): [name: string, value: Cell][] {
  const live = groups.filter(isInForce).reduce((sum, { hosts }) => sum + hosts.length, 0);
  const total = groups.reduce((sum, { hosts }) => sum + hosts.length, silent);
  const packets = answers.reduce((sum, one) => sum + BigInt(one.packets), 0n);
  const seen = answers.flatMap(({ seenMsAgo }) => seenMsAgo ?? []);
  const last = seen.length === 0 ? 'none of them has seen one' : `the last one ${ageText(Math.min(...seen))} ago`;
  const unanswered = silent > 0 ? `, and ${countText(silent, 'host')} gave no answer` : '';
  const { description } = spec;
  return [
    ['redirect', String(spec.name)],
    ...(description === undefined ? [] : ([['description', String(description)]] as [string, Cell][])),
    ['match', matchText(spec.match)],
    ['to', actionText(spec.to)],
    ['hosts', selectorText(spec.hosts)],
    [
      'live',
      { text: `installed on ${live} of ${total}${unanswered}`, tone: live === total && total > 0 ? 'good' : 'bad' },
    ],
    ['counted', `${packets} packets on ${countText(answers.length, 'host')}; ${last}`],
  ];
}

function groupLines({ because, hosts, ...stand }: Answer, screen: Screen): readonly string[] {
  const where = stand.state === 'installed' && hosts.length > MAX_WELL ? `${hosts.length}: ` : '';
  return [
    ...fill(
      `${standText(stand)} on ${where}${hostsText(hosts, where === '' ? MAX_HOSTS : MAX_WELL)}`,
      room(screen),
    ).map((line) => paint(screen, toneOfState(stand.state), line)),
    ...(because === '' ? [] : fill(because, room(screen)).map((line) => `  ${line}`)),
  ];
}

/** The controller names the first hosts of each kind: of the others it is known that there are some. */
function moreLines(live: Live | undefined, screen: Screen): readonly string[] {
  const cut = live?.states.filter(({ state, total, hosts }) => BY_STATUS.has(state) && total > hosts.length) ?? [];
  return cut.map((group) =>
    paint(screen, toneOfState(group.state), `by their last statuses ${standText(group)} on ${group.total} in all`),
  );
}

/** Hosts that are named where something is wrong, and where all is well. */
const MAX_HOSTS = 16;
const MAX_WELL = 4;

/** Why hosts give no answer, by code; of another the first says it. */
const SILENCES: Readonly<Record<string, string>> = {
  NO_AGENT: 'no agent answers there: it does not run, or is not on this bus; what stands there goes on',
  TIMED_OUT: 'the agent did not answer in time; try again, or wait longer with --timeout',
};

function silentLines(code: string, some: readonly Unanswered[], screen: Screen): readonly string[] {
  const hosts = hostsText(
    some.map(({ host }) => host),
    MAX_HOSTS,
  );
  const [first] = some;
  const because =
    SILENCES[code] ?? (some.length === 1 ? first?.message : `${code}; of ${first?.host}: ${first?.message}`) ?? '';
  return [
    ...fill(`no answer from ${hosts}`, room(screen)).map((line) => paint(screen, 'bad', line)),
    ...fill(because, room(screen)).map((line) => `  ${line}`),
  ];
}

function room({ width = Number.POSITIVE_INFINITY }: Screen): number {
  return width - 2;
}
