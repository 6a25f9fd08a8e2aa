import { isOver, lastingAction } from './lasting.ts';

/** How many redirects a host had, and what a change does to them. */
export interface Size {
  readonly had: number;
  readonly added: number;
  readonly removed: number;
  readonly retargeted: number;
}

export type Impact = Exclude<keyof Size, 'had'>;

/** What of a change is too much to be done without saying so. */
export type Excess = 'shrink' | 'growth';

/** So much a change may take from a host, or send elsewhere, whatever the host has; or so much of what it has. */
const SHRINK_LEAST = 5;
const SHRINK_SHARE = 5;
/** So much it may add whatever the host has; or as much again. */
const GROWTH_LEAST = 1000;

/** The most redirects of a host that a change removes or re-targets without saying so. */
export function mayShrink(had: number): number {
  return Math.max(Math.floor(had / SHRINK_SHARE), SHRINK_LEAST);
}

/** The most that it adds. */
export function mayGrow(had: number): number {
  return Math.max(had, GROWTH_LEAST);
}

export function excessOf({ had, added, removed, retargeted }: Size): readonly Excess[] {
  const excess: Excess[] = [];
  if (removed + retargeted > mayShrink(had)) excess.push('shrink');
  if (added > mayGrow(had)) excess.push('growth');
  return excess;
}

/** A host that had at least so many redirects is let by, whatever exactly it had. */
export function enough({ added, removed, retargeted }: Omit<Size, 'had'>): number {
  const shrinks = removed + retargeted > SHRINK_LEAST ? (removed + retargeted) * SHRINK_SHARE : 0;
  return Math.max(shrinks, added > GROWTH_LEAST ? added : 0);
}

/** What another body at a key of a host is to it; undefined where packets go where they went, or to nobody as before. */
export function impactOf(before: string | undefined, after: string | undefined, nowMs: number): Impact | undefined {
  if (before === after) return undefined;
  const [stood, stands] = [isSent(before, nowMs), isSent(after, nowMs)];
  if (!stood || !stands) return stood === stands ? undefined : stood ? 'removed' : 'added';
  const [was, is] = [before, after].map((body) => JSON.stringify(lastingAction(body ?? '', nowMs)));
  return was === is ? undefined : 'retargeted';
}

/** Whether packets meet it. Very many come at once, so none is read that need not be. */
function isSent(body: string | undefined, nowMs: number): boolean {
  return body !== undefined && !isOver(body, nowMs);
}
