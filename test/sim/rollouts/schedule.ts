import type { RolloutStep } from '../../../protocol/rollout.ts';
import type { RolloutTerms } from '../../../protocol/rollout-start.ts';
import type { Selector } from '../../../protocol/spec.ts';
import { randomBelow } from '../../conformance/sequences.ts';
import { type Below, one, oneByWeight } from '../lots.ts';
import type { Lie } from './host.ts';
import type { OwnGuard } from './own-guard.ts';
import type { Traffic } from './packets.ts';
import type { Kind } from './value.ts';
import type { Ways, Weather } from './weather.ts';

/** A redirect that somebody asks for. */
export interface Wish {
  readonly name: string;
  readonly hosts: Selector;
  /** Which of the keys. */
  readonly at: number;
  readonly priority: number;
  readonly enabled: boolean;
  readonly kind: Kind;
}

/** What happens at one moment, `afterMs` after the one before. Hosts, rollouts and controllers are counted from 0. */
export type Act = { readonly afterMs: number } & (
  | { readonly act: 'apply'; readonly wishes: readonly Wish[]; readonly withinMs?: number }
  | { readonly act: 'delete'; readonly names: readonly string[] }
  | {
      readonly act: 'start rollout';
      readonly wishes: readonly Wish[];
      readonly deletes: readonly string[];
      readonly terms: RolloutTerms;
    }
  | { readonly act: 'pause' | 'abort' | 'undo'; readonly which: number; readonly force: boolean }
  | { readonly act: 'resume'; readonly which: number; readonly skipGate: boolean }
  | { readonly act: 'exclude'; readonly which: number; readonly host: number }
  | { readonly act: 'verdict'; readonly which: number; readonly verdict: 'pass' | 'fail' }
  | { readonly act: 'kill host' | 'start host' | 'power off' | 'join' | 'forget'; readonly host: number }
  | { readonly act: 'part'; readonly host: number; readonly ways: Ways }
  | { readonly act: 'slow'; readonly host: number; readonly applyMs: number }
  | { readonly act: 'block' | 'bypass'; readonly host: number; readonly is: boolean }
  | { readonly act: 'traffic'; readonly host: number; readonly traffic: Traffic }
  | { readonly act: 'guard'; readonly host: number; readonly guard: OwnGuard }
  | { readonly act: 'lie'; readonly host: number; readonly lie: Lie | undefined }
  | { readonly act: 'labels'; readonly host: number; readonly role: string }
  | { readonly act: 'part everybody'; readonly is: boolean }
  | { readonly act: 'join at the last moment'; readonly host: number }
  | { readonly act: 'sleep while it soaks'; readonly sleepMs: number }
  | { readonly act: 'let a silent wave by' | 'change once back' | 'keep packets away' }
  | { readonly act: 'abort once reached'; readonly hosts: number }
  | { readonly act: 'abort at the last moment'; readonly step: RolloutStep }
  | { readonly act: 'kill controller' | 'freeze controller'; readonly which: number; readonly waits: number }
  | { readonly act: 'start controller' | 'thaw controller'; readonly which: number }
  | { readonly act: 'weather'; readonly weather: Weather }
  | { readonly act: 'recover' | 'tidy' }
  | { readonly act: 'calm' }
);

/** Every act there is. */
export const ACT_NAMES: readonly Act['act'][] = [
  ...(['apply', 'delete', 'start rollout', 'pause', 'abort', 'undo', 'resume', 'exclude', 'verdict'] as const),
  ...([
    'kill host',
    'start host',
    'power off',
    'join',
    'forget',
    'part',
    'slow',
    'block',
    'bypass',
    'lie',
    'labels',
    'traffic',
    'guard',
  ] as const),
  ...(['part everybody', 'kill controller', 'freeze controller', 'start controller', 'thaw controller'] as const),
  ...(['weather', 'recover', 'tidy', 'join at the last moment', 'abort at the last moment', 'calm'] as const),
  ...([
    'sleep while it soaks',
    'let a silent wave by',
    'change once back',
    'keep packets away',
    'abort once reached',
  ] as const),
];

export interface Schedule {
  readonly hosts: number;
  readonly acts: readonly Act[];
}

export const NAMES = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5'] as const;
/** How many keys there are; at one of them only what may cut hosts off is applied without a rollout. */
const KEYS = 5;
const APART = KEYS;
const ACTS = 60;
/** In one schedule of so many there are many hosts, more than are told at once; in that there are fewer acts. */
const MANY_EVERY = 20;
const MANY = 70;
const ACTS_OF_MANY = 12;

/** The schedule of a seed: a fleet, something that stands, and then whatever comes. */
export function scheduleOf(seed: number): Schedule {
  const draw = new Draw(seed);
  if (seed % MANY_EVERY === 0) return ofMany(draw);
  const hosts = draw.one([3, 4, 5, 6, 8]);
  const first: Act = { afterMs: 100, act: 'apply', wishes: NAMES.slice(0, 4).map((name) => draw.wish(name, 'plain')) };
  const acts = Array.from({ length: ACTS }, () => ({ afterMs: draw.pause(), ...draw.act(hosts) }) as Act);
  acts.splice(2, 0, { afterMs: 3_000, ...draw.rollout() });
  acts.splice(1, 0, ...draw.lastMoments(seed, hosts).map((what): Act => ({ afterMs: 0, ...what })));
  return { hosts, acts: [first, ...acts, { afterMs: 1_000, act: 'calm' }] };
}

/** The schedule of a large fleet: a rollout is aborted when almost all have it, and then whatever comes. */
function ofMany(draw: Draw): Schedule {
  const wish = (name: string): Wish => ({ name, kind: 'plain', hosts: 'all', at: 0, priority: 0, enabled: true });
  const terms = { soakMs: 2_000, waves: ['2', '100%'], noTrafficOk: true, again: true, onFail: 'rollback' } as const;
  const first: readonly Act[] = [
    { afterMs: 100, act: 'apply', wishes: [wish('r0')] },
    { afterMs: 0, act: 'abort once reached', hosts: MANY - draw.one([0, 1, 2]) },
    { afterMs: 3_000, act: 'start rollout', wishes: [wish('r0')], deletes: [], terms },
    { afterMs: 60_000, act: 'tidy' },
  ];
  const acts = Array.from({ length: ACTS_OF_MANY }, () => ({ afterMs: draw.pause(), ...draw.act(MANY) }) as Act);
  return { hosts: MANY, acts: [...first, ...acts, { afterMs: 1_000, act: 'calm' }] };
}

type What<A = Act> = A extends Act ? Omit<A, 'afterMs'> : never;

class Draw {
  readonly #below: Below;

  constructor(seed: number) {
    this.#below = randomBelow(seed);
  }

  one<T>(of: readonly T[]): T {
    return one(this.#below, of);
  }

  chance(oneIn: number): boolean {
    return this.#below(oneIn) === 0;
  }

  pause(): number {
    const [most] = [this.one([50, 1_000, 5_000, 5_000, 20_000, 20_000, 90_000])];
    return this.#below(most);
  }

  /** What cuts hosts off is for all, and nothing else stands before it: what wakes it later is no rollout. */
  wish(name: string, kind: Kind): Wish {
    if (kind === 'cuts') return { name, kind, hosts: 'all', at: this.#below(KEYS), priority: 9, enabled: true };
    return {
      ...{ name, kind },
      hosts: this.one<Selector>(['all', 'all', 'all', { role: 'edge' }, { role: 'core' }, ['h0', 'h1'], ['h2', 'h9']]),
      at: this.#below(KEYS),
      priority: this.one([0, 0, 0, 5]),
      enabled: !this.chance(8),
    };
  }

  #names(most: number): readonly string[] {
    const count = 1 + this.#below(most);
    return [...new Set(Array.from({ length: count }, () => this.one(NAMES)))];
  }

  rollout(): What {
    const kind = this.one<Kind>(['plain', 'plain', 'plain', 'plain', 'cuts', 'blocked']);
    const names = this.#names(3);
    const deletes = this.chance(3) ? names.slice(0, 1) : [];
    const wishes = names.slice(deletes.length).map((name) => this.wish(name, this.chance(3) ? 'plain' : kind));
    const soakMs = this.one([2_000, 5_000, 20_000]);
    const waves = this.one([['1', '50%', '100%'], ['1', '2', '100%'], ['1', '100%'], ['50%', '100%'], undefined]);
    const gates = [...(this.chance(6) ? ['external'] : []), ...(this.chance(3) ? ['losses<=1%'] : [])];
    const now = this.chance(10) && { now: true as const };
    const terms: RolloutTerms = {
      ...(now || { soakMs, ...(waves && { waves }) }),
      ...(this.chance(2) && { noTrafficOk: true as const }),
      acceptCollateral: true,
      again: true,
      onFail: this.one(['rollback', 'rollback', 'rollback', 'pause']),
      ...(this.chance(3) && { maxUnreachable: this.one(['1', '50%', '0']) }),
      ...(gates.length > 0 && { gates }),
      ...(this.chance(4) && { spread: 'role' }),
      ...(this.chance(2) && { withinMs: this.one([20_000, 60_000]) }),
    };
    return { act: 'start rollout', wishes, deletes, terms };
  }

  #confirmed(): What {
    const kind = this.one<Kind>(['plain', 'cuts', 'blocked']);
    const apart: Wish = { name: 'apart', hosts: ['h0', 'h1'], at: APART, priority: 0, enabled: true, kind };
    const others = kind === 'cuts' ? [] : this.#names(2).map((name) => this.wish(name, 'plain'));
    return { act: 'apply', wishes: [apart, ...others], withinMs: this.one([20_000, 60_000]) };
  }

  /** What waits for its moment: in each third schedule somebody who joins while it is promoted, and some of the others. */
  lastMoments(seed: number, hosts: number): readonly What[] {
    const joins: What = { act: 'join at the last moment', host: hosts + 2 };
    const one: readonly What[] = [
      { act: 'abort at the last moment', step: this.one(['CONVERGE', 'SOAK'] as const) },
      { act: 'let a silent wave by' },
    ];
    const other: readonly What[] = [
      { act: 'sleep while it soaks', sleepMs: 10_000 + this.#below(30_000) },
      { act: 'change once back' },
      { act: 'keep packets away' },
    ];
    return [seed % 3 === 0 ? joins : this.one(one), this.one(other)];
  }

  act(hosts: number): What {
    const host = this.#below(hosts + 2);
    const which = this.#below(2);
    const waits = this.one([0, 1 + this.#below(20), 1 + this.#below(200)]);
    const draws: readonly (readonly [number, () => What])[] = [
      [8, () => ({ act: 'apply', wishes: this.#names(2).map((name) => this.wish(name, 'plain')) })],
      [3, () => this.#confirmed()],
      [3, () => ({ act: 'delete', names: this.chance(3) ? ['apart'] : this.#names(2) })],
      [14, () => this.rollout()],
      [4, () => ({ act: 'pause', which: this.#below(3), force: false })],
      [6, () => ({ act: 'resume', which: this.#below(3), skipGate: this.chance(3) })],
      [4, () => ({ act: 'abort', which: this.#below(3), force: false })],
      [3, () => ({ act: 'undo', which: this.#below(3), force: this.chance(2) })],
      [3, () => ({ act: 'exclude', which: this.#below(3), host })],
      [5, () => ({ act: 'verdict', which: this.#below(3), verdict: this.chance(4) ? 'fail' : 'pass' })],
      [5, () => ({ act: 'kill host', host })],
      [8, () => ({ act: 'start host', host })],
      [2, () => ({ act: 'power off', host })],
      [3, () => ({ act: 'join', host: hosts + this.#below(2) })],
      [1, () => ({ act: 'forget', host: 2 + this.#below(hosts) })],
      [7, () => ({ act: 'part', host, ways: this.one<Ways>(['both', 'to', 'from', 'none', 'none']) })],
      [3, () => ({ act: 'slow', host, applyMs: this.one([0, 0, 5_000, 45_000, 200_000]) })],
      [4, () => ({ act: 'block', host, is: this.chance(2) })],
      [2, () => ({ act: 'bypass', host, is: this.chance(2) })],
      [5, () => ({ act: 'traffic', host, traffic: this.#traffic() })],
      [2, () => ({ act: 'guard', host, guard: this.one<OwnGuard>(['open', 'first']) })],
      [3, () => ({ act: 'lie', host, lie: this.one([undefined, undefined, 'done' as const, 'as it was' as const]) })],
      [3, () => ({ act: 'labels', host, role: this.one(['edge', 'core']) })],
      [2, () => ({ act: 'part everybody', is: this.chance(2) })],
      [6, () => ({ act: 'kill controller', which, waits })],
      [10, () => ({ act: 'start controller', which })],
      [5, () => ({ act: 'freeze controller', which, waits })],
      [7, () => ({ act: 'thaw controller', which })],
      [4, () => ({ act: 'weather', weather: this.#weather() })],
      [1, () => ({ act: 'recover' })],
      [1, () => ({ act: 'tidy' })],
    ];
    return oneByWeight(this.#below, draws)();
  }

  #traffic(): Traffic {
    return this.one([
      { perSecond: 0, lostPercent: 0 },
      { perSecond: 1, lostPercent: 0 },
      { perSecond: 40, lostPercent: 0 },
      { perSecond: 40, lostPercent: 20 },
      { perSecond: 40, lostPercent: 20 },
    ]);
  }

  #weather(): Weather {
    if (this.chance(2)) return { drop: 0, repeat: 0, delay: 0 };
    return { drop: this.#below(300), repeat: this.#below(200), delay: this.#below(300) };
  }
}
