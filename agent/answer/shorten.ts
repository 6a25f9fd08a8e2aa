import { bytesOf } from '../../protocol/json.ts';

/** Leaves out of an answer until it fits, or `less` has nothing more to leave out. */
export function shorten<Answer extends object>(
  answer: Answer,
  maxBytes: number,
  less: (answer: Answer) => Answer | undefined,
): Answer {
  let told = answer;
  while (bytesOf(told) > maxBytes) {
    const shorter = less(told);
    if (shorter === undefined) break;
    told = shorter;
  }
  return told;
}
