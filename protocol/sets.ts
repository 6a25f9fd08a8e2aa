import { readName } from './intent.ts';
import { list, object, optional, type Reader, readCount } from './read.ts';

/** The name of a set of redirects; each redirect is in one at most. */
export const readSet: Reader<string> = readName;

/** A redirect that was in another set before. */
export interface Moved {
  readonly name: string;
  readonly from: string;
}

/** What became of a set: how many redirects came into it, and those of them that left another one: the first, and how many. */
export interface SetOutcome {
  readonly name: string;
  readonly joined: number;
  readonly moved?: readonly Moved[];
  readonly movedTotal?: number;
}

/** The most redirects that are named of those that moved between sets. */
export const MAX_MOVED = 16;

export const readSetOutcome = object<SetOutcome>(
  {
    name: readSet,
    joined: readCount,
    moved: optional(list(object<Moved>({ name: readName, from: readSet }, 'ignored'), MAX_MOVED)),
    movedTotal: optional(readCount),
  },
  'ignored',
);
