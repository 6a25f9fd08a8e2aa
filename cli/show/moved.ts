import type { SetOutcome } from '../../protocol/sets.ts';
import { someText } from './format.ts';

/** Says which redirects left other sets. */
export function movedText({ name, moved = [], movedTotal = moved.length }: SetOutcome): string {
  const from = someText([...new Set(moved.map((one) => one.from))]);
  const some = someText(
    moved.map((one) => one.name),
    movedTotal,
  );
  return `in the set ${name} now, and no more in ${from}: ${some}`;
}
