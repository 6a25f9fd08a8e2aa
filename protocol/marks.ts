import { optional, readRev } from './read.ts';
import { Refused } from './refused.ts';

/**
 * Words of the controller on changes of a host up to a rev, repeated with all that it sends there; they only rise. Absent: there
 * is none, or the agent does not say that it can take them.
 */
export interface Marks {
  /** The changes up to here are confirmed: the host was heard after it had applied them. */
  readonly confirmed?: number;
  /** The changes up to here were allowed to remove and re-target as many redirects as they do. */
  readonly permit?: number;
}

export const marks = {
  confirmed: optional(readRev),
  permit: optional(readRev),
};

/** The higher of each mark. */
export function raised(a: Marks, b: Marks): Marks {
  const [confirmed, permit] = [higher(a.confirmed, b.confirmed), higher(a.permit, b.permit)];
  return { ...(confirmed !== undefined && { confirmed }), ...(permit !== undefined && { permit }) };
}

/** Whether any is there. */
export function hasMarks({ confirmed, permit }: Marks): boolean {
  return confirmed !== undefined || permit !== undefined;
}

function higher(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

/** Checks that no mark is of changes that are not there yet. Errors: Refused BAD_REV. */
export function checkMarks(said: Marks, head: number): void {
  for (const name of ['confirmed', 'permit'] as const) {
    const rev = said[name] ?? 0;
    if (rev > head) throw new Refused('BAD_REV', name, `${rev} is past the head ${head}`);
  }
}
