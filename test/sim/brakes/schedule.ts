import { randomBelow } from '../../conformance/sequences.ts';
import { type Below, one, oneByWeight } from '../lots.ts';
import { HOSTS, type HostName, type Ways, type Weather } from '../schedule.ts';

/** Redirects of each label, by number: more than what one change may take, and few enough to be played quickly. */
export const REDIRECTS = 24;
export const ROLES = ['edge', 'core'] as const;
export type Role = (typeof ROLES)[number];

/** What happens at one moment, `afterMs` after the one before. `allowed`: the operator says that it may shrink hosts, and why. */
export type Act = { readonly afterMs: number } & (
  | { readonly act: 'put'; readonly which: readonly number[]; readonly to: 'pass' | 'drop'; readonly allowed: boolean }
  | { readonly act: 'delete'; readonly which: readonly number[]; readonly allowed: boolean }
  /** As a script does that takes some at a time. */
  | {
      readonly act: 'loop';
      readonly from: number;
      readonly times: number;
      readonly each: number;
      readonly everyMs: number;
    }
  | { readonly act: 'labels'; readonly host: HostName; readonly role: Role }
  | { readonly act: 'release'; readonly host: HostName }
  | { readonly act: 'kill agent'; readonly host: HostName; readonly waits: number }
  | { readonly act: 'kill agent at op'; readonly host: HostName; readonly ops: number }
  | { readonly act: 'start agent'; readonly host: HostName }
  | { readonly act: 'kill controller'; readonly which: number; readonly waits: number }
  | { readonly act: 'start controller'; readonly which: number }
  | { readonly act: 'weather'; readonly weather: Weather }
  | { readonly act: 'partition'; readonly host: HostName; readonly ways: Ways }
  | { readonly act: 'reboot'; readonly host: HostName; readonly starts: boolean }
  | { readonly act: 'refuse commits'; readonly host: HostName; readonly times: number }
  | { readonly act: 'resync'; readonly host: HostName }
  | { readonly act: 'time passes' }
  | { readonly act: 'quiet' }
);

type Name = Act['act'];
type Details<N extends Name> = Omit<Extract<Act, { readonly act: N }>, 'act' | 'afterMs'>;

const ACTS = 60;
const WAYS = ['to', 'from', 'both', 'none'] as const;

/** How often each act comes up, of all together, and how it is made up. */
const MAKERS: { readonly [N in Name]: readonly [weight: number, make: (below: Below) => Details<N>] } = {
  put: [120, (below) => ({ which: some(below), to: one(below, ['pass', 'drop']), allowed: below(3) === 0 })],
  delete: [90, (below) => ({ which: some(below), allowed: below(2) === 0 })],
  loop: [25, (below) => ({ from: below(REDIRECTS), ...one(below, LOOPS) })],
  labels: [40, (below) => ({ host: hostOf(below), role: one(below, ROLES) })],
  release: [25, (below) => ({ host: hostOf(below) })],
  'kill agent': [60, (below) => ({ host: hostOf(below), waits: below(12) })],
  'kill agent at op': [40, (below) => ({ host: hostOf(below), ops: below(12) })],
  'start agent': [120, (below) => ({ host: hostOf(below) })],
  'kill controller': [20, (below) => ({ which: below(2), waits: below(20) })],
  'start controller': [40, (below) => ({ which: below(2) })],
  weather: [25, (below) => ({ weather: someWeather(below) })],
  partition: [40, (below) => ({ host: hostOf(below), ways: one(below, WAYS) })],
  reboot: [40, (below) => ({ host: hostOf(below), starts: below(2) === 0 })],
  'refuse commits': [15, (below) => ({ host: hostOf(below), times: 1 + below(3) })],
  resync: [10, (below) => ({ host: hostOf(below) })],
  'time passes': [40, () => ({})],
  quiet: [0, () => ({})],
};
/** One every two seconds; some at a time; so slowly that nobody minds. */
const LOOPS = [
  { times: 23, each: 1, everyMs: 2_000 },
  { times: 4, each: 3, everyMs: 10_000 },
  { times: 5, each: 2, everyMs: 70_000 },
] as const;
export const ACT_NAMES = Object.keys(MAKERS) as readonly Name[];
const LOTS = ACT_NAMES.map((name) => [MAKERS[name][0], name] as const);

/** What happens in the schedule of a seed; the same for the same seed. It begins with all that there is, and ends quietly. */
export function scheduleOf(seed: number): readonly Act[] {
  const below = randomBelow(seed * 6007 + 5);
  const all = Array.from({ length: 2 * REDIRECTS }, (_, which) => which);
  const first: Act = { afterMs: 0, act: 'put', which: all, to: 'drop', allowed: true };
  const middle = Array.from({ length: ACTS }, () => someAct(below));
  return [first, { afterMs: 5_000, act: 'quiet' }, ...middle, { afterMs: below(2_000), act: 'quiet' }];
}

function someAct(below: Below): Act {
  const afterMs = below(4) === 0 ? below(20_000) : below(200);
  const act = oneByWeight(below, LOTS);
  return { afterMs, act, ...MAKERS[act][1](below) } as Act;
}

/** A few in a row, or most of those of a label. */
function some(below: Below): readonly number[] {
  const count = below(3) === 0 ? 6 + below(REDIRECTS - 6) : 1 + below(5);
  const [first, role] = [below(REDIRECTS), below(ROLES.length)];
  return Array.from({ length: count }, (_, at) => role * REDIRECTS + ((first + at) % REDIRECTS));
}

function hostOf(below: Below): HostName {
  return below(2) === 0 ? 'a' : one(below, HOSTS);
}

function someWeather(below: Below): Weather {
  const stale = below(2) * below(400);
  return { drop: below(300), repeat: below(300), delay: below(300), stale, spoil: 0 };
}
