import { randomBelow } from '../../conformance/sequences.ts';
import { type Below, one, oneByWeight } from '../lots.ts';

export const NAMES = 4;
const ACTS = 120;
/** Shorter and longer than the time between two notes. */
const WITHINS_MS = [2_000, 7_000, 20_000] as const;
const TARGETS = ['pass', 'drop', 'c'] as const;
export type Target = (typeof TARGETS)[number];
const TEN_YEARS_MS = 10 * 365 * 86_400_000;

/** What happens at one moment, `afterMs` after the one before; `withinMs` 0: the change need not be confirmed. */
export type Act = { readonly afterMs: number } & (
  | { readonly act: 'put'; readonly name: number; readonly to: Target; readonly withinMs: number }
  | { readonly act: 'delete'; readonly name: number; readonly withinMs: number }
  /** The mark goes up to this share of what it lacks, in hundredths. */
  | { readonly act: 'confirm'; readonly share: number }
  | { readonly act: 'kill'; readonly waits: number }
  | { readonly act: 'start' }
  | { readonly act: 'reboot'; readonly offMs: number }
  | { readonly act: 'weather'; readonly lost: number }
  | { readonly act: 'neighbour'; readonly is: 'resolved' | 'failed' }
  | { readonly act: 'program'; readonly attached: boolean }
  | { readonly act: 'refuse commits'; readonly times: number }
  | { readonly act: 'refuse op'; readonly op: 'write' | 'delete' }
  | { readonly act: 'wall clock'; readonly aheadMs: number }
  | { readonly act: 'trim' }
  | { readonly act: 'recover' }
);
type Name = Act['act'];
type Details<N extends Name> = Omit<Extract<Act, { readonly act: N }>, 'act' | 'afterMs'>;

const MAKERS: { readonly [N in Name]: readonly [weight: number, make: (below: Below) => Details<N>] } = {
  put: [300, (below) => ({ name: below(NAMES), to: one(below, TARGETS), withinMs: withinOf(below) })],
  delete: [120, (below) => ({ name: below(NAMES), withinMs: withinOf(below) })],
  confirm: [200, (below) => ({ share: 1 + below(100) })],
  kill: [80, (below) => ({ waits: below(12) })],
  start: [150, () => ({})],
  reboot: [30, (below) => ({ offMs: below(60_000) })],
  weather: [40, (below) => ({ lost: below(3) === 0 ? below(100) : 0 })],
  neighbour: [50, (below) => ({ is: below(2) === 0 ? 'resolved' : 'failed' })],
  program: [30, (below) => ({ attached: below(3) > 0 })],
  'refuse commits': [40, (below) => ({ times: 1 + below(4) })],
  'refuse op': [30, (below) => ({ op: one(below, ['write', 'delete'] as const) })],
  'wall clock': [20, (below) => ({ aheadMs: one(below, [-TEN_YEARS_MS, 0, TEN_YEARS_MS] as const) })],
  trim: [20, () => ({})],
  recover: [10, () => ({})],
};
export const ACT_NAMES = Object.keys(MAKERS) as readonly Name[];
const LOTS = ACT_NAMES.map((name) => [MAKERS[name][0], name] as const);

/** What happens in the schedule of a seed; the same for the same seed. */
export function scheduleOf(seed: number): readonly Act[] {
  const below = randomBelow(seed * 7919 + 3);
  return Array.from({ length: ACTS }, () => someAct(below));
}

function someAct(below: Below): Act {
  const afterMs = below(4) === 0 ? below(12_000) : below(1_500);
  const act = oneByWeight(below, LOTS);
  return { afterMs, act, ...MAKERS[act][1](below) } as Act;
}

function withinOf(below: Below): number {
  return below(4) === 0 ? 0 : one(below, WITHINS_MS);
}
