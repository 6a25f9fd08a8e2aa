import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import { listBudgetBytes } from '../../protocol/json.ts';
import {
  encodePage,
  encodeSyncError,
  parseSyncRequest,
  type SyncError,
  type SyncRequest,
} from '../../protocol/page.ts';
import { Refused } from '../../protocol/refused.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { Declined } from '../model/declined.ts';
import type { Bus, Incoming, Logs } from '../ports.ts';
import { Gathering } from './gathering.ts';
import type { Refusals } from './refusals.ts';

/** Requests at hand at a time: a whole fleet that reconnects. More are told to come again. */
const MAX_AT_HAND = 4096;
/** A large fleet asks all the time whether it has all: its hosts share a transaction and a write to the bus. */
const GATHERED = { momentMs: 50, atOnce: 4 };

interface SyncParts {
  readonly logs: Pick<Logs, 'page'>;
  readonly bus: Pick<Bus, 'publish' | 'maxPayloadBytes'>;
  readonly subjects: Subjects;
  readonly refusals: Refusals;
  readonly clock: Pick<Clock, 'monotonicMs' | 'delay'>;
  readonly log: Log;
}

/** Answers what hosts ask for, each only about itself and only into its own inbox. */
export class SyncService {
  readonly #parts: SyncParts;
  readonly #gathering: Gathering;
  #atHand = 0;

  constructor(parts: SyncParts) {
    this.#parts = parts;
    this.#gathering = new Gathering(parts.clock, GATHERED);
  }

  /** Takes one request. Never rejects. */
  async receive(message: Incoming): Promise<void> {
    const host = this.#askerOf(message);
    if (host === undefined) return;
    this.#atHand += 1;
    try {
      this.#parts.bus.publish(message.replyTo, this.#fitting(await this.#answer(host, message.data), host));
    } catch (error) {
      this.#parts.log.error({ error, host }, 'sync: an answer could not be sent');
    } finally {
      this.#atHand -= 1;
    }
  }

  /** A reply subject of somebody's choice would let one host speak to another in our name. */
  #askerOf({ subject, replyTo }: Incoming): string | undefined {
    const { subjects, refusals } = this.#parts;
    try {
      const host = subjects.hostOf(subject) ?? '';
      if (replyTo.startsWith(`${subjects.inbox(host)}.`)) return host;
      refusals.count(
        'BAD_REQUEST',
        subject,
        `a reply is asked for at ${replyTo || 'no place'}, not in the inbox of the host`,
      );
    } catch (error) {
      refusals.add(error, subject);
    }
    return undefined;
  }

  async #answer(host: string, data: Uint8Array): Promise<Uint8Array> {
    const { logs, bus, subjects, refusals } = this.#parts;
    try {
      if (this.#atHand > MAX_AT_HAND) throw new Declined('BUSY', 'too many hosts ask at once; ask again later');
      const request = parseSyncRequest(data, host);
      if (isFollowing(request)) await this.#gathering.pass();
      return encodePage(await logs.page(request, listBudgetBytes(bus.maxPayloadBytes)));
    } catch (error) {
      if (error instanceof Refused) refusals.add(error, subjects.sync(host));
      return encodeSyncError({ v: 1, host, error: this.#explain(error, host) });
    }
  }

  /** The answer, or that the bus does not carry it: a host need not wait for that in vain. */
  #fitting(data: Uint8Array, host: string): Uint8Array {
    const { maxPayloadBytes } = this.#parts.bus;
    if (data.length <= maxPayloadBytes) return data;
    const message = `an answer of ${data.length} bytes, and the bus takes ${maxPayloadBytes}`;
    return encodeSyncError({ v: 1, host, error: { code: 'TOO_LARGE', message } });
  }

  #explain(error: unknown, host: string): SyncError['error'] {
    if (error instanceof Refused || error instanceof Declined) return { code: error.code, message: error.message };
    this.#parts.log.error({ error, host }, 'sync: a page could not be read');
    return { code: 'INTERNAL', message: 'the controller could not read its log; its own log says why' };
  }
}

/** Whether a host asks for what is new after all that it holds. One that lays page over page does not wait. */
function isFollowing({ have, from }: SyncRequest): boolean {
  return have.epoch !== '' && have.epoch === from.epoch && have.rev === from.rev;
}
