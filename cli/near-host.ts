import { MAX_LIMIT } from '../protocol/ask.ts';
import { encodeHostsRequest, type HostsReply } from '../protocol/listings.ts';
import { nearest } from '../protocol/near.ts';
import { Failure } from './line/failure.ts';
import { collect } from './paging.ts';

const IN_SILENCE = { progress: () => {} };

/**
 * The host that the controller knows and that somebody probably meant by the name of one that does not answer. Undefined
 * where that one is known, where none resembles it, and where no controller tells.
 */
export async function nearHost(
  host: string,
  ask: (request: Uint8Array) => Promise<HostsReply>,
): Promise<string | undefined> {
  const read = (after: string | undefined) =>
    ask(encodeHostsRequest({ v: 1, ...(after !== undefined && { after }), limit: MAX_LIMIT }));
  try {
    const names = (await collect(read, IN_SILENCE)).map((item) => item.host);
    return names.includes(host) ? undefined : nearest(host, names);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}
