import type { Intent } from '../../protocol/intent.ts';
import type { Match } from '../../protocol/match.ts';
import type { EntryState } from '../model/state.ts';
import type { KernelTime, Limits } from '../ports.ts';
import type { Awaiting } from './awaiting.ts';
import type { HostJudge } from './guard.ts';
import type { ObservedCache } from './observed-cache.ts';
import type { Placements } from './placements.ts';
import type { Slots } from './slots.ts';
import type { Targets } from './targets.ts';

/** Changes that the brake withholds, by key: what is desired of these is what stood before. */
export type Withheld = ReadonlyMap<string, { readonly rev: number }>;

/** What speaks against desired entries beside the kernel and time: the host's guard, its brake, and changes that may be taken back. */
export interface Against {
  readonly judge?: HostJudge;
  readonly withheld?: Withheld;
  readonly awaiting?: Awaiting;
}

/** All that a plan depends on. */
export interface PlanInput {
  /** Keys to decide on. */
  readonly scope: Iterable<string>;
  readonly desired: ReadonlyMap<string, Intent>;
  readonly states: ReadonlyMap<string, EntryState>;
  readonly withheld?: Withheld;
  readonly observed: ObservedCache;
  /** What the kernel has room for. */
  readonly limits: Limits;
  /** The devmap: where each key leads. */
  readonly ports: ReadonlyMap<number, number>;
  /** Under which id the entry of a key stood last. */
  readonly placed: Pick<Placements, 'idOf'>;
  readonly targets: Pick<Targets, 'of' | 'zoneOf' | 'reaches' | 'idleZones'>;
  readonly slots: Pick<Slots, 'free' | 'adoptable'>;
  readonly guard: Pick<HostJudge, 'of' | 'maxRedirects'>;
  /** Whose packets guarded entries shall let pass. */
  readonly protect: readonly Match[];
  readonly awaiting: Pick<Awaiting, 'isUnarmed' | 'leftMs' | 'isBack'>;
  readonly clock: KernelTime & { readonly nowMs: number };
  /** Ids of entries that nobody desires, to be removed. */
  readonly foreign: readonly string[];
}
