import type { Change } from './intent.ts';
import type { Reader } from './read.ts';
import { Refused } from './refused.ts';

/** The most changes that one message carries. */
export const MAX_CHANGES = 65_536;

/** Changes that we made, or read before: a hundred thousand are not judged a second time on their way out. */
export const ownChanges: Reader<readonly Change[]> = (value, path) => {
  const changes = value as readonly Change[];
  if (changes.length > MAX_CHANGES)
    throw new Refused('TOO_MANY', path, `${changes.length} elements, at most ${MAX_CHANGES}`);
  return changes;
};

/** Checks that changes lie in (prev, rev] and name each key once. Errors: Refused BAD_REV, DUPLICATE_KEY. */
export function checkChanges(changes: readonly Change[], prev: number, rev: number): void {
  if (prev > rev) throw new Refused('BAD_REV', 'prev', `${prev} is past rev ${rev}`);
  const keys = new Set<string>();
  for (const [index, change] of changes.entries()) {
    if (change.rev <= prev || change.rev > rev) {
      throw new Refused('BAD_REV', `changes[${index}].rev`, `${change.rev} is not within (${prev}, ${rev}]`);
    }
    if (keys.has(change.key))
      throw new Refused('DUPLICATE_KEY', `changes[${index}].key`, `${change.key} is given twice`);
    keys.add(change.key);
  }
}
