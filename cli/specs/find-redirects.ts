import { encodeGetRequest, type GetItem, parseGetReply } from '../../protocol/listings.ts';
import type { Planned } from '../../protocol/plan.ts';
import type { Bus } from '../client.ts';
import { Failure } from '../line/failure.ts';

/** Of more nobody asks for each redirect; `shunt plan` and `shunt get` have all of them. */
const MAX_ASKED = 100;
/** So many at a time: a controller has 64 requests at hand, of everybody, and refuses more. */
const ASKED_AT_ONCE = 16;

/** How redirects stand that something else is said of: those that are there; none of them where there are very many, or nobody tells. */
export async function findRedirects(names: readonly string[], bus: Pick<Bus, 'api'>): Promise<readonly GetItem[]> {
  if (names.length > MAX_ASKED) return [];
  const found: (GetItem | undefined)[] = [];
  try {
    for (let at = 0; at < names.length; at += ASKED_AT_ONCE)
      found.push(...(await Promise.all(names.slice(at, at + ASKED_AT_ONCE).map((name) => find(name, bus)))));
    return found.filter((item) => item !== undefined);
  } catch (error) {
    if (error instanceof Failure) return []; // what was asked for is done, and who may do that may not be allowed to look
    throw error;
  }
}

async function find(name: string, bus: Pick<Bus, 'api'>): Promise<GetItem | undefined> {
  return (await bus.api('get', encodeGetRequest({ v: 1, name }), parseGetReply)).items[0];
}

/** The redirects that have the packets today of what a plan changes. */
export function takersOf({ changes }: Pick<Planned, 'changes'>): readonly string[] {
  return [...new Set(changes.flatMap(({ from }) => from?.by ?? []))];
}
