import { MAX_LIMIT } from '../protocol/ask.ts';
import { encodeHostsRequest, type HostsReply } from '../protocol/listings.ts';
import { nearest } from '../protocol/near.ts';
import { Failure } from './line/failure.ts';
import { collect } from './paging.ts';

const IN_SILENCE = { progress: () => {} };

/** The hosts that the controller knows; none where no controller tells. */
export async function knownHosts(ask: (request: Uint8Array) => Promise<HostsReply>): Promise<readonly string[]> {
  const read = (after: string | undefined) =>
    ask(encodeHostsRequest({ v: 1, ...(after !== undefined && { after }), limit: MAX_LIMIT }));
  try {
    return (await collect(read, IN_SILENCE)).map((item) => item.host);
  } catch (error) {
    if (error instanceof Failure) return [];
    throw error;
  }
}

/**
 * Which of some hosts was probably meant by the name of one that does not answer. Undefined where it is among them, and
 * where none resembles it.
 */
export function nearHost(host: string, known: readonly string[]): string | undefined {
  return known.includes(host) ? undefined : nearest(host, known);
}
