import type { Stand } from '../model/live.ts';
import type { Rollout, RolloutEvent, RolloutHost, RolloutState } from '../model/rollout.ts';
import type { Judgement } from './gates.ts';

/** A host of a rollout, with what follows from what it said last. */
export interface RolloutHostNow extends RolloutHost {
  /** `unknown`: nobody listened long enough to tell. */
  readonly heard: 'fresh' | 'unknown' | 'stale';
  /** The program runs there, and the agent does what it is told. */
  readonly able: boolean;
  /** What keeps it from that, where it said so. */
  readonly hindrance?: Stand;
  /** It has verified what the rollout told it last. */
  readonly verified: boolean;
  /** And will not take it back by itself. */
  readonly settled: boolean;
  /** A redirect of the rollout that it took back by itself. */
  readonly reverted?: string;
  /** Its brake withholds something of the rollout, or more than it lists. */
  readonly withholds?: true;
  /** It may yet take back by itself what it has of the rollout's redirects, or a change that it does not list. */
  readonly unconfirmed?: true;
}

/** How long steps take. */
export interface Periods {
  readonly tickMs: number;
  /** A host that was heard within so long is there. */
  readonly freshMs: number;
  /** Until then, hosts have what they were told. */
  readonly convergeMs: number;
  /** A gate may go without a verdict for so long at least, however short the soak. */
  readonly undecidedMs: number;
}

/** All that a decision depends on, as it was at one time. */
export interface Snapshot {
  readonly rollout: Rollout;
  /** In the order in which they have their turn. */
  readonly hosts: readonly RolloutHostNow[];
  /** Hosts that it is for, that reported, and that it does not have. */
  readonly joined: readonly string[];
  readonly judgement: Judgement;
  /** Of the hosts that it has reached more are silent than may be, or all, and so are others. */
  readonly blind: boolean;
  /** The history that it was begun on was superseded. */
  readonly superseded: boolean;
  readonly periods: Periods;
  /** So many hosts at most are told in one transaction. */
  readonly hostsAtOnce: number;
}

/** What is done in one transaction beside the change of state. */
export type Act =
  | { readonly do: 'turn' }
  | { readonly do: 'publish'; readonly hosts: readonly string[]; readonly deferred: readonly string[] }
  | { readonly do: 'withdraw'; readonly hosts: readonly string[] }
  | { readonly do: 'join'; readonly hosts: readonly string[] }
  | { readonly do: 'promote' }
  | { readonly do: 'free' };

export interface Decision {
  readonly act: Act;
  readonly to: RolloutState;
  /** What is to be told of it. */
  readonly said?: RolloutEvent;
}

/** A host that is still to have its turn. */
export function isMissing({ state }: Pick<RolloutHostNow, 'state'>): boolean {
  return state === 'planned' || state === 'deferred';
}

export function isReady({ heard, able }: Pick<RolloutHostNow, 'heard' | 'able'>): boolean {
  return heard === 'fresh' && able;
}
