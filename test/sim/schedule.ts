import { randomBelow } from '../conformance/sequences.ts';
import { type Below, one, oneByWeight } from './lots.ts';

/** Who can be named; the third joins late in most schedules. */
export const HOSTS = ['a', 'b', 'c'] as const;
export type HostName = (typeof HOSTS)[number];

/** What the bus does to messages from now on, in thousandths of them. */
export interface Weather {
  readonly drop: number;
  readonly repeat: number;
  readonly delay: number;
  /** Replies in whose place comes one that was sent before. */
  readonly stale: number;
  /** Messages that come cut off, for another host, or in another version. */
  readonly spoil: number;
}

/** What an agent says that it can: nothing, as ours does, or more. */
export type Version = 'older' | 'ours' | 'newer';

/** What a neighbour does that is asked for its MAC. */
export type Answer = 'resolved' | 'asking' | 'failed';

/** In which ways nothing comes through between a host and the bus. */
export type Ways = 'to' | 'from' | 'both' | 'none';

/** What happens at one moment of a schedule, `afterMs` after the one before. */
export type Act = { readonly afterMs: number } & (
  | { readonly act: 'apply'; readonly specs: readonly Wish[] }
  | { readonly act: 'delete'; readonly names: readonly string[] }
  | { readonly act: 'kill agent'; readonly host: HostName; readonly waits: number }
  | { readonly act: 'kill agent at op'; readonly host: HostName; readonly ops: number }
  | { readonly act: 'stop agent'; readonly host: HostName }
  | { readonly act: 'start agent'; readonly host: HostName }
  | { readonly act: 'kill controller'; readonly which: number; readonly waits: number }
  | { readonly act: 'start controller'; readonly which: number }
  | { readonly act: 'weather'; readonly weather: Weather }
  | { readonly act: 'partition'; readonly host: HostName; readonly ways: Ways }
  | { readonly act: 'lose store'; readonly host: HostName; readonly starts: boolean }
  | { readonly act: 'keep store'; readonly host: HostName }
  | { readonly act: 'restore store'; readonly host: HostName; readonly starts: boolean }
  | { readonly act: 'damage store'; readonly host: HostName }
  | { readonly act: 'flip row'; readonly host: HostName; readonly which: number }
  | { readonly act: 'reboot'; readonly host: HostName; readonly starts: boolean }
  | { readonly act: 'set back host'; readonly host: HostName; readonly copy: boolean; readonly starts: boolean }
  | { readonly act: 'wall clock'; readonly host: HostName; readonly aheadMs: number; readonly starts: boolean }
  | { readonly act: 'uproot'; readonly host: HostName; readonly which: number }
  | { readonly act: 'plant'; readonly host: HostName; readonly which: number }
  | { readonly act: 'fight'; readonly host: HostName; readonly which: number; readonly times: number }
  | { readonly act: 'program'; readonly host: HostName; readonly attached: boolean; readonly told: boolean }
  | { readonly act: 'link'; readonly host: HostName; readonly of: 'eth0' | 'eth1'; readonly up: boolean }
  | { readonly act: 'flap'; readonly host: HostName; readonly of: 'eth0' | 'eth1' }
  | { readonly act: 'neighbour'; readonly host: HostName; readonly of: 'c' | 'd'; readonly answer: Answer }
  | { readonly act: 'remake pins'; readonly host: HostName }
  | { readonly act: 'lose row'; readonly host: HostName; readonly which: number }
  | { readonly act: 'refuse commits'; readonly host: HostName; readonly times: number; readonly which: number }
  | { readonly act: 'refuse op'; readonly host: HostName; readonly op: 'write' | 'delete' }
  | { readonly act: 'hit'; readonly host: HostName; readonly which: number }
  | { readonly act: 'bypass'; readonly host: HostName; readonly on: boolean }
  | { readonly act: 'labels'; readonly host: HostName; readonly role: string }
  | { readonly act: 'version'; readonly host: HostName; readonly is: Version }
  | { readonly act: 'foreign controller'; readonly specs: readonly Wish[] }
  | { readonly act: 'end foreign controller' }
  | { readonly act: 'max payload'; readonly bytes: number }
  | { readonly act: 'rearm'; readonly host: HostName; readonly names: readonly string[] }
  | { readonly act: 'resync'; readonly host: HostName }
  | { readonly act: 'forget'; readonly host: HostName; readonly ends: boolean; readonly names: readonly string[] }
  | { readonly act: 'recover' }
  | { readonly act: 'a day passes' }
  | { readonly act: 'tidy' }
  | { readonly act: 'flip database row'; readonly of: 'changes' | 'heads' | 'hosts'; readonly which: number }
  | { readonly act: 'busy database'; readonly when: number }
  | { readonly act: 'keep database' }
  | { readonly act: 'restore database'; readonly recovers: boolean; readonly stores: boolean }
  | { readonly act: 'quiet' }
);

/** What operators ask for beside redirects. */
export type Errand = Extract<Act, { readonly act: 'rearm' | 'resync' | 'forget' | 'recover' }>;

/** A redirect to ask for; `life` is how long it is wanted, in ms, 0 for ever. */
export interface Wish {
  readonly name: string;
  readonly hosts: readonly string[] | Readonly<Record<string, string>> | 'all';
  readonly dst: number;
  readonly to: 'pass' | 'drop' | 'c' | 'd' | 'nowhere';
  readonly priority: number;
  readonly enabled: boolean;
  readonly lifeMs: number;
  /** For how long nobody may come, in ms; 0 for ever. */
  readonly idleMs: number;
  readonly rearm: 'revision' | 'never';
}

/** What hosts are labelled with; a redirect of that name is for that label alone, ever. */
export const ROLES: readonly string[] = ['edge', 'core'];
const NAMES = 8;
const DSTS = 7;
const ACTS = 200;
/** So many of them, and then there is quiet. */
const STRETCH = 100;
/** Hosts of one schedule in so many lose sight of their history. */
const LOSING_ONE_IN = 4;
const SELECTORS: readonly Wish['hosts'][] = ['all', { role: 'edge' }, { role: 'core' }, ['a'], ['a', 'b'], ['c']];
const TARGETS = ['pass', 'drop', 'c', 'c', 'd', 'nowhere'] as const;
const ANSWERS = ['resolved', 'asking', 'asking', 'failed'] as const;
/** A day behind, as it is, or a day ahead. */
const AHEAD_MS = [-86_400_000, 0, 86_400_000] as const;
/** At most: some end soon, others not before the schedule does. */
const LIVES_MS = [15_000, 900_000] as const;
const SILENCES_MS = [5_000, 20_000] as const;
/** Of one schedule in so many, strangers are on the same bus. */
const STRANGE_ONE_IN = 6;
/** What a server takes as it comes, and so little that every update is a hint and every page one change. */
const PAYLOADS = [1 << 20, 1 << 20, 2_500] as const;

type Name = Act['act'];
/** What of an act is a matter of chance. */
type Details<N extends Name> = Omit<Extract<Act, { readonly act: N }>, 'act' | 'afterMs'>;

/** How often each act comes up, of all together, and how it is made up. */
const MAKERS: { readonly [N in Name]: readonly [weight: number, make: (below: Below) => Details<N>] } = {
  apply: [300, wishes],
  delete: [80, (below) => ({ names: names(below) })],
  'kill agent': [80, (below) => ({ host: hostOf(below), waits: below(12) })],
  'kill agent at op': [40, (below) => ({ host: hostOf(below), ops: below(5) })],
  'stop agent': [20, host],
  'start agent': [100, host],
  'kill controller': [50, (below) => ({ which: below(2), waits: below(20) })],
  'start controller': [50, (below) => ({ which: below(2) })],
  weather: [50, (below) => ({ weather: someWeather(below) })],
  partition: [50, (below) => ({ host: hostOf(below), ways: one(below, ['to', 'from', 'both', 'none'] as const) })],
  'lose store': [15, began],
  'keep store': [35, host],
  'restore store': [30, began],
  'damage store': [10, host],
  'flip row': [20, (below) => ({ host: hostOf(below), which: below(DSTS) })],
  reboot: [20, began],
  'set back host': [25, (below) => ({ ...began(below), copy: below(2) === 0 })],
  'wall clock': [20, (below) => ({ ...began(below), aheadMs: one(below, AHEAD_MS) })],
  uproot: [25, (below) => ({ host: hostOf(below), which: below(DSTS) })],
  plant: [10, (below) => ({ host: hostOf(below), which: below(DSTS) })],
  fight: [5, (below) => ({ host: hostOf(below), which: below(DSTS), times: 3 + below(2) })],
  program: [25, (below) => ({ host: hostOf(below), attached: below(2) === 0, told: below(2) === 0 })],
  link: [30, (below) => ({ host: hostOf(below), of: one(below, ['eth0', 'eth1'] as const), up: below(2) === 0 })],
  flap: [20, (below) => ({ host: hostOf(below), of: one(below, ['eth0', 'eth1'] as const) })],
  neighbour: [
    30,
    (below) => ({ host: hostOf(below), of: one(below, ['c', 'd'] as const), answer: one(below, ANSWERS) }),
  ],
  'remake pins': [20, host],
  'lose row': [20, (below) => ({ host: hostOf(below), which: below(DSTS) })],
  'refuse commits': [20, (below) => ({ host: hostOf(below), times: 1 + below(3), which: below(DSTS) })],
  'refuse op': [10, (below) => ({ host: hostOf(below), op: one(below, ['write', 'delete'] as const) })],
  hit: [60, (below) => ({ host: hostOf(below), which: below(DSTS) })],
  bypass: [15, (below) => ({ host: hostOf(below), on: below(2) === 0 })],
  labels: [10, (below) => ({ host: hostOf(below), role: one(below, ['edge', 'core'] as const) })],
  version: [10, (below) => ({ host: hostOf(below), is: one(below, ['older', 'ours', 'newer'] as const) })],
  'foreign controller': [15, wishes],
  'end foreign controller': [10, () => ({})],
  'max payload': [15, (below) => ({ bytes: one(below, PAYLOADS) })],
  rearm: [30, (below) => ({ host: hostOf(below), names: Array.from({ length: NAMES }, (_, n) => `r${n}`) })],
  resync: [10, host],
  forget: [25, (below) => ({ host: hostOf(below), ends: below(2) === 0, names: below(2) === 0 ? names(below) : [] })],
  recover: [5, () => ({})],
  'a day passes': [10, () => ({})],
  tidy: [20, () => ({})],
  'flip database row': [
    10,
    (below) => ({ of: one(below, ['changes', 'heads', 'hosts'] as const), which: below(DSTS) }),
  ],
  'busy database': [20, (below) => ({ when: below(2 ** 24) })],
  'keep database': [10, () => ({})],
  'restore database': [10, (below) => ({ recovers: below(2) === 0, stores: below(2) === 0 })],
  quiet: [0, () => ({})],
};
export const ACT_NAMES = Object.keys(MAKERS) as readonly Name[];
const LOTS = ACT_NAMES.map((name) => [MAKERS[name][0], name] as const);

/** What happens in the schedule of a seed; the same for the same seed. It ends quietly. */
export function scheduleOf(seed: number): readonly Act[] {
  const below = randomBelow(seed * 7919 + 1);
  const losing = below(LOSING_ONE_IN) === 0;
  const strange = below(STRANGE_ONE_IN) === 0;
  const stretches = Array.from({ length: ACTS / STRETCH }, (_, n) => stretchOf(below, n > 0));
  return stretches.flat().map((act): Act => {
    const isOut = (act.act === 'restore database' && !losing) || (act.act === 'foreign controller' && !strange);
    return isOut ? { afterMs: act.afterMs, act: 'keep database' } : act;
  });
}

/** Some acts, and then there is quiet; `wasQuiet`: there was just before. */
function stretchOf(below: Below, wasQuiet: boolean): readonly Act[] {
  const first = wasQuiet && below(4) === 0 ? [outOfService(below)] : [];
  const last = below(2) === 0 ? lastBlow(below) : [];
  const some = Array.from({ length: STRETCH - 1 - first.length - last.length }, () => someAct(below));
  return [...first, ...some, ...last, { afterMs: below(2_000), act: 'quiet' }];
}

/** A host of which everything is known is forgotten, and what it had changes meanwhile. */
function outOfService(below: Below): Act {
  return { afterMs: 0, act: 'forget', host: hostOf(below), ends: true, names: names(below) };
}

/** What nothing but time puts right, just before there is time. */
function lastBlow(below: Below): readonly Act[] {
  const host = hostOf(below);
  switch (below(4)) {
    case 0:
      return [{ ...MAKERS.fight[1](below), afterMs: 0, act: 'fight' }];
    case 1: {
      const refusals: Act = { afterMs: 0, act: 'refuse commits', host, times: 2 + below(3), which: below(DSTS) };
      return [refusals, { ...wishes(below), afterMs: 0, act: 'apply' }];
    }
    case 2: {
      const busy: Act = { afterMs: 0, act: 'busy database', when: below(2 ** 10) };
      return [busy, { ...MAKERS.labels[1](below), afterMs: 0, act: 'labels' }];
    }
    default:
      return [{ ...MAKERS.uproot[1](below), afterMs: 0, act: 'uproot' }];
  }
}

function someAct(below: Below): Act {
  const afterMs = below(5) === 0 ? below(4_000) : below(40);
  const act = oneByWeight(below, LOTS);
  return { afterMs, act, ...MAKERS[act][1](below) } as Act;
}

/** One host is met more often than the others: what goes wrong takes several blows in a row. */
function hostOf(below: Below): HostName {
  return below(2) === 0 ? 'a' : one(below, HOSTS);
}

function host(below: Below): { readonly host: HostName } {
  return { host: hostOf(below) };
}

/** The agent starts at once, or when somebody starts it. */
function began(below: Below): { readonly host: HostName; readonly starts: boolean } {
  return { host: hostOf(below), starts: below(2) === 0 };
}

function someWeather(below: Below): Weather {
  const [stale, spoil] = [below(2) * below(600), below(2) * below(100)];
  return { drop: below(300), repeat: below(300), delay: below(400), stale, spoil };
}

function nameOf(below: Below): string {
  return below(8) === 0 ? one(below, ROLES) : `r${below(NAMES)}`;
}

function names(below: Below): readonly string[] {
  return Array.from({ length: 1 + below(3) }, () => nameOf(below));
}

function wishes(below: Below): { readonly specs: readonly Wish[] } {
  return { specs: Array.from({ length: 1 + below(4) }, () => wish(below)) };
}

function wish(below: Below): Wish {
  const name = nameOf(below);
  return {
    name,
    hosts: ROLES.includes(name) ? { role: name } : one(below, SELECTORS),
    dst: below(DSTS),
    to: one(below, TARGETS),
    priority: below(3) === 0 ? below(3) : 0,
    enabled: below(8) !== 0,
    lifeMs: below(5) === 0 ? 2_000 + below(one(below, LIVES_MS)) : 0,
    idleMs: below(4) === 0 ? 1_000 + below(one(below, SILENCES_MS)) : 0,
    rearm: below(4) === 0 ? 'never' : 'revision',
  };
}
