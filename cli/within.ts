import { setTimeout } from 'node:timers/promises';
import { BusError } from '../bus/error.ts';
import { noAnswerWithin } from '../bus/nats-error.ts';

/**
 * Waits no longer than was said: what the client does may be made of parts that each have a time for themselves, or none, such
 * as asking for a name. Errors: BusError UNREACHABLE; those of the promise.
 */
export async function within<T>(limitMs: number, promise: Promise<T>, tried: string): Promise<T> {
  const end = new AbortController();
  const late = setTimeout(limitMs, undefined, { signal: end.signal }).then(() => {
    throw new BusError('UNREACHABLE', tried, noAnswerWithin(limitMs));
  });
  late.catch(() => {}); // aborted, as asked
  try {
    return await Promise.race([promise, late]);
  } finally {
    end.abort();
  }
}
