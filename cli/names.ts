import { MAX_LIMIT } from '../protocol/ask.ts';
import { encodeNamesRequest, type NamedItem, type NamesRequest, parseNamesReply } from '../protocol/names.ts';
import { didYouMean, nearest } from '../protocol/near.ts';
import type { Bus } from './client.ts';
import { Failure } from './line/failure.ts';
import { collect } from './paging.ts';
import { labelsText } from './show/format.ts';
import type { Terminal } from './show/terminal.ts';

/** Which redirects: those of a set, and those whose selector is exactly some labels. */
export type Filter = Pick<NamesRequest, 'set' | 'labels'>;

/** Reads the names of redirects, each with its set. Errors: Failure, also of a controller that knows no sets. */
export function readNames(
  bus: Pick<Bus, 'api'>,
  filter: Omit<NamesRequest, 'v' | 'after' | 'limit'>,
  terminal: Pick<Terminal, 'progress'>,
): Promise<readonly NamedItem[]> {
  const read = (after: string | undefined) => {
    const request = encodeNamesRequest({ v: 1, ...filter, ...(after !== undefined && { after }), limit: MAX_LIMIT });
    return bus.api('names', request, parseNamesReply);
  };
  return knowingSets(collect(read, terminal));
}

/** A controller of an older release has no sets, and says so in words of its own. `concerned`: one was asked for. */
export async function knowingSets<T>(asking: Promise<T>, concerned = true): Promise<T> {
  return asking.catch((error: unknown) => {
    if (!concerned || !(error instanceof Failure) || !['UNKNOWN_VERB', 'UNKNOWN_FIELD'].includes(error.code))
      throw error;
    const message = `${error.message}; a controller that knows no sets is of an older release: upgrade it`;
    throw new Failure(error.exit, error.code, message, { cause: error });
  });
}

/** Says that a filter finds nothing, and which set was probably meant. */
export async function nothingFound(
  bus: Pick<Bus, 'api'>,
  { set, labels }: Filter,
  terminal: Pick<Terminal, 'progress'>,
): Promise<string> {
  const whose = labels === undefined ? '' : ` whose hosts are those with ${labelsText(labels)}`;
  if (set === undefined) return `there is no redirect${whose}`;
  const sets = (await readNames(bus, { sets: true }, terminal)).map(({ name }) => name);
  const near = sets.includes(set) ? undefined : nearest(set, sets);
  return `there is no redirect${whose} in the set ${set}${near === undefined ? '' : `; ${didYouMean(near)}`}`;
}
