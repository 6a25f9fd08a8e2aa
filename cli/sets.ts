import { type ApplyRequest, MAX_LIST } from '../protocol/api.ts';
import type { Bus } from './client.ts';
import { EXIT, Failure } from './line/failure.ts';
import { readNames } from './names.ts';
import type { Terminal } from './show/terminal.ts';
import type { Prepared } from './specs/prepare.ts';

/** What is in a set and not in the files. Errors: Failure. */
export async function prunedBy(
  specs: readonly Prepared[],
  set: string | undefined,
  bus: Pick<Bus, 'api'>,
  terminal: Pick<Terminal, 'progress'>,
): Promise<readonly string[]> {
  if (set === undefined) return [];
  const kept = new Set(specs.map(({ name }) => name));
  const gone = (await readNames(bus, { set }, terminal)).map(({ name }) => name).filter((name) => !kept.has(name));
  if (gone.length <= MAX_LIST) return gone;
  const message = `${gone.length} redirects of the set ${set} are not in the files, and ${MAX_LIST} go at once; delete some first`;
  throw new Failure(EXIT.refused, 'TOO_MANY', message);
}

/** What an apply says of a set. */
export function placingOf(
  set: string | undefined,
  prune: readonly string[] | undefined,
): Pick<ApplyRequest, 'set' | 'prune'> {
  return { ...(set !== undefined && { set }), ...(prune !== undefined && { prune }) };
}
