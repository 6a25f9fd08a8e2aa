import type { BrakeState, Step } from '../model/brake.ts';

/** So far back it is looked. */
const WINDOW_MS = 60_000;
/** So many single deletes may go within the window. */
const SINGLES_MAX = 20;
/** Of all else so many, whatever the host has; or so much of what it has. */
const CUTS_LEAST = 5;
const CUTS_SHARE = 5;
/** So many keys of what went at once are remembered: what goes again does not count twice. */
const KEYS_MAX = 64;

/** A redirect that a change removes or sends elsewhere. */
export interface Cut {
  readonly key: string;
  readonly rev: number;
  readonly what: 'removed' | 'retargeted';
}

/** What the brake goes by beside the cuts: how many redirects there are before them. */
export type Window = Pick<BrakeState, 'steps' | 'permit'> & { readonly holds: boolean; readonly had: number };

/** What is not to be done of cuts that come in one go, and what went by then. */
export interface Verdict {
  readonly withheld: readonly Cut[];
  readonly steps: readonly Step[];
}

/**
 * Says which of these cuts are not to be done: those without a permission, all or none of them, so that the host stays as it was
 * before. While the brake holds none is done. What is withheld has not gone, and does not count. Times are monotonic milliseconds;
 * one that is still to come is of a boot before, and counts as now. Pure.
 */
export function withhold(cuts: readonly Cut[], { steps: before, permit, holds, had }: Window, nowMs: number): Verdict {
  const steps = before
    .filter(({ atMs, rev }) => nowMs - atMs < WINDOW_MS && rev > permit)
    .map((step) => (step.atMs > nowMs ? { ...step, atMs: nowMs } : step));
  const counted = cuts.filter(({ rev }) => rev > permit);
  if (counted.length === 0 || holds) return { withheld: counted, steps };
  const rev = counted.reduce((most, cut) => Math.max(most, cut.rev), 0);
  const single = counted.length === 1 && counted[0]?.what === 'removed';
  const keys = counted.length <= KEYS_MAX ? { keys: counted.map(({ key }) => key) } : {};
  const after = [...steps, { atMs: nowMs, rev, count: counted.length, ...keys, single, had }];
  return isTooMuch(after) ? { withheld: counted, steps } : { withheld: [], steps: after };
}

/** The most that may go within the window beside single deletes. */
export function mayGo(had: number): number {
  return Math.max(Math.floor(had / CUTS_SHARE), CUTS_LEAST);
}

function isTooMuch(steps: readonly Step[]): boolean {
  const [singles, others] = [steps.filter(({ single }) => single), steps.filter(({ single }) => !single)];
  const had = steps.reduce((most, step) => Math.max(most, step.had), 0);
  return countOf(singles) > SINGLES_MAX || countOf(others) > mayGo(had);
}

/** How many redirects that were, each once as far as is known. */
function countOf(steps: readonly Step[]): number {
  const known = new Set(steps.flatMap(({ keys }) => keys ?? []));
  return steps.reduce((sum, { keys, count }) => (keys === undefined ? sum + count : sum), known.size);
}
