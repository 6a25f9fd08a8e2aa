import type { Origin } from '../../protocol/origin.ts';
import type { Cause, RolloutHostState } from '../../protocol/rollout.ts';
import type { OnFail } from '../../protocol/rollout-start.ts';
import type { Evidence } from '../../protocol/rollout-status.ts';

/** Time that counts only while somebody looks: who slept for an hour has waited no longer than before. */
export interface Waited {
  readonly ms: number;
  /** In ms since 1970. */
  readonly lookedAtMs: number;
}

/** What a rollout is about to do. Waves are counted from 1; beyond the last that was planned is the tail. */
export type Step =
  | {
      readonly at: 'PUBLISH';
      readonly wave: number;
      /** Some hosts were told in it. */
      readonly told?: true;
    }
  | { readonly at: 'CONVERGE'; readonly wave: number; readonly waited: Waited }
  | {
      readonly at: 'SOAK';
      readonly wave: number;
      readonly soaked: Waited;
      /** How long there was no verdict. */
      readonly undecidedMs: number;
    }
  | { readonly at: 'PROMOTE'; readonly wave: number };

export type RolloutState =
  | { readonly is: 'RUNNING'; readonly step: Step }
  | { readonly is: 'PAUSED'; readonly step: Step; readonly cause: Cause }
  | { readonly is: 'ROLLING_BACK'; readonly wave: number; readonly cause: Cause }
  | { readonly is: 'DONE'; readonly wave: number }
  | { readonly is: 'ROLLED_BACK'; readonly wave: number; readonly cause: Cause };

/** How a rollout is to go, as it was said at its start and stays. */
export interface Plan {
  /** How far each wave goes, as it was asked for, and how many hosts it adds to those before it. */
  readonly waves: readonly { readonly share: string; readonly size: number }[];
  readonly soakMs: number;
  readonly gates: readonly string[];
  readonly spread?: string;
  /** How many hosts may be silent, a number or a share; absent: none of the first wave, and then a few. */
  readonly maxUnreachable?: string;
  readonly onFail: OnFail;
  readonly noTrafficOk?: true;
  /** One wave and no soak. */
  readonly now?: true;
  /** Within which time a host has to be reachable still, or takes the change back. */
  readonly withinMs: number;
  /** The first revision that could be of it. */
  readonly firstRev: number;
  readonly created: number;
  readonly changed: number;
  readonly deleted: number;
  /** It puts something that packets could meet. */
  readonly puts: boolean;
  /** Hosts may lose more redirects by it than a change may take without saying so. */
  readonly allowShrink?: true;
  /** The set that all that comes is put into. */
  readonly set?: string;
  /** The sets that redirects were in which it puts into another, or deletes. */
  readonly wasIn?: Readonly<Record<string, string>>;
}

export interface Rollout {
  readonly id: string;
  readonly state: RolloutState;
  /** Whoever changes it names the one that he saw. */
  readonly version: number;
  readonly plan: Plan;
  readonly planHash: string;
  /** The newest when it was started or resumed. */
  readonly epoch: string;
  readonly startedMs: number;
  readonly changedMs: number;
  readonly endedMs?: number;
  readonly origin: Origin;
  /** What somebody outside said last. */
  readonly external?: ExternalWord;
  /** The wave of which gates that do not pass are let by, for somebody said so. */
  readonly skipped?: number;
  /** The one that this one undoes. */
  readonly of?: string;
}

/** What somebody, or something, outside said of a wave: the answer to `external`. */
export interface ExternalWord {
  readonly wave: number;
  readonly verdict: 'pass' | 'fail';
  readonly by: string;
  readonly reason: string;
  /** In ms since 1970. */
  readonly at: number;
}

/** A host of a rollout. */
export interface RolloutHost {
  readonly host: string;
  /** In the order in which hosts have their turn. */
  readonly place: number;
  readonly wave: number;
  /** What is stored of it. What it has made of that, its statuses say. */
  readonly state: RolloutHostState;
  /** What the rollout told it last; 0 before. */
  readonly rev: number;
  /** What was wrong on it before it was reached. */
  readonly baseline: Baseline;
}

/** Exceptions by the key of the redirect, with their codes. */
export type Baseline = Readonly<Record<string, string>>;

/** What happened: one line of what is told later. */
export type RolloutEvent = Omit<Evidence, 'seq' | 'at' | 'state' | 'step' | 'wave'>;

export function waveOf(state: RolloutState): number {
  return 'step' in state ? state.step.wave : state.wave;
}

export function isActive({ is }: RolloutState): boolean {
  return is !== 'DONE' && is !== 'ROLLED_BACK';
}
