import { randomBelow } from '../conformance/sequences.ts';

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
}

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
  | { readonly act: 'lose store'; readonly host: HostName }
  | { readonly act: 'keep store'; readonly host: HostName }
  | { readonly act: 'restore store'; readonly host: HostName }
  | { readonly act: 'damage store'; readonly host: HostName }
  | { readonly act: 'reboot'; readonly host: HostName }
  | { readonly act: 'wall clock'; readonly host: HostName; readonly aheadMs: number }
  | { readonly act: 'uproot'; readonly host: HostName; readonly which: number }
  | { readonly act: 'plant'; readonly host: HostName; readonly which: number }
  | { readonly act: 'link'; readonly host: HostName; readonly up: boolean }
  | { readonly act: 'refuse op'; readonly host: HostName; readonly op: 'write' | 'delete' }
  | { readonly act: 'labels'; readonly host: HostName; readonly role: string }
  | { readonly act: 'tidy' }
  | { readonly act: 'keep database' }
  | { readonly act: 'restore database' }
  | { readonly act: 'quiet' }
);

/** A redirect to ask for; `life` is how long it is wanted, in ms, 0 for ever. */
export interface Wish {
  readonly name: string;
  readonly hosts: readonly string[] | Readonly<Record<string, string>> | 'all';
  readonly dst: number;
  readonly to: 'pass' | 'drop' | 'c' | 'nowhere';
  readonly priority: number;
  readonly enabled: boolean;
  readonly lifeMs: number;
}

const NAMES = 8;
const DSTS = 5;
const ACTS = 200;
/** So many of them, and then there is quiet. */
const STRETCH = 100;
/** Hosts of one schedule in so many lose sight of their history. */
const LOSING_ONE_IN = 8;
const SELECTORS: readonly Wish['hosts'][] = ['all', { role: 'edge' }, { role: 'core' }, ['a'], ['a', 'b'], ['c']];
const TARGETS = ['pass', 'drop', 'c', 'c', 'nowhere'] as const;

type Below = (bound: number) => number;

/** What happens in the schedule of a seed; the same for the same seed. It ends quietly. */
export function scheduleOf(seed: number): readonly Act[] {
  const below = randomBelow(seed * 7919 + 1);
  const losing = below(LOSING_ONE_IN) === 0;
  return Array.from(
    { length: ACTS },
    (_, n): Act => (n % STRETCH === STRETCH - 1 ? quiet(below) : someAct(below, losing)),
  );
}

function quiet(below: Below): Act {
  return { afterMs: below(2_000), act: 'quiet' };
}

function someAct(below: Below, losing: boolean): Act {
  const afterMs = below(5) === 0 ? below(4_000) : below(40);
  const host = one(below, HOSTS);
  const made = below(100);
  if (made < 30) return { afterMs, act: 'apply', specs: Array.from({ length: 1 + below(4) }, () => wish(below)) };
  if (made < 38)
    return { afterMs, act: 'delete', names: Array.from({ length: 1 + below(3) }, () => `r${below(NAMES)}`) };
  if (made < 46) return { afterMs, act: 'kill agent', host, waits: below(12) };
  if (made < 50) return { afterMs, act: 'kill agent at op', host, ops: below(5) };
  if (made < 52) return { afterMs, act: 'stop agent', host };
  if (made < 62) return { afterMs, act: 'start agent', host };
  if (made < 66) return { afterMs, act: 'kill controller', which: below(2), waits: below(20) };
  if (made < 71) return { afterMs, act: 'start controller', which: below(2) };
  if (made < 76) return { afterMs, act: 'weather', weather: someWeather(below) };
  if (made < 81) return { afterMs, act: 'partition', host, ways: one(below, ['to', 'from', 'both', 'none'] as const) };
  if (made < 83) return { afterMs, act: 'lose store', host };
  if (made < 85) return { afterMs, act: 'keep store', host };
  if (made < 87) return { afterMs, act: 'restore store', host };
  if (made < 88) return { afterMs, act: 'damage store', host };
  if (made < 89) return { afterMs, act: 'reboot', host };
  if (made < 91) return { afterMs, act: 'wall clock', host, aheadMs: (below(3) - 1) * 86_400_000 };
  if (made < 93) return { afterMs, act: below(2) === 0 ? 'uproot' : 'plant', host, which: below(DSTS) };
  if (made < 95) return { afterMs, act: 'link', host, up: below(2) === 0 };
  if (made < 96) return { afterMs, act: 'refuse op', host, op: one(below, ['write', 'delete'] as const) };
  if (made < 97) return { afterMs, act: 'labels', host, role: one(below, ['edge', 'core'] as const) };
  if (made < 98) return { afterMs, act: 'tidy' };
  if (made < 99) return { afterMs, act: 'keep database' };
  return losing ? { afterMs, act: 'restore database' } : { afterMs, act: 'kill controller', which: 0, waits: 0 };
}

function someWeather(below: Below): Weather {
  return { drop: below(300), repeat: below(300), delay: below(400), stale: below(2) * below(300) };
}

function wish(below: Below): Wish {
  return {
    name: `r${below(NAMES)}`,
    hosts: one(below, SELECTORS),
    dst: below(DSTS),
    to: one(below, TARGETS),
    priority: below(3) === 0 ? below(3) : 0,
    enabled: below(8) !== 0,
    lifeMs: below(5) === 0 ? 2_000 + below(15_000) : 0,
  };
}

function one<T>(below: Below, all: readonly T[]): T {
  return all[below(all.length)] as T;
}
