import type { Incoming } from '../../controller/ports.ts';
import { randomBelow } from '../conformance/sequences.ts';
import type { Arrival } from '../fakes/memory-bus.ts';
import { HOSTS, type HostName, type Ways, type Weather } from './schedule.ts';

/** What may become of a message. */
export const STRIKES = [
  'lost',
  'repeated',
  'late',
  'replaced by an older reply',
  'spoilt',
  'kept from a host',
] as const;
export type Strike = (typeof STRIKES)[number];

const CALM: Weather = { drop: 0, repeat: 0, delay: 0, stale: 0, spoil: 0 };
const REPLIES_KEPT = 20;
const LATE_MS = 8_000;
/** One late message in so many is very late. */
const VERY_LATE_ONE_IN = 20;
const VERY_LATE_MS = 60_000;
/** Within that an agent has stored what came, though it needs several pages. */
const TAKEN_WITHIN_MS = 10_000;

/** What a bus does to messages between hosts and controllers; which of them it strikes is a matter of the seed. */
export class Carrier {
  weather = CALM;
  /** Messages that were lost, repeated, late, or not what was sent. */
  touched = 0;
  readonly #struck: (how: Strike) => void;
  readonly #nowMs: () => number;
  /** When the last older reply comes that was sent. */
  #oldMs = Number.NEGATIVE_INFINITY;
  readonly #below: (bound: number) => number;
  readonly #partitions = new Map<HostName, Ways>();
  readonly #replies = new Map<HostName, readonly Uint8Array[]>();

  constructor(seed: number, struck: (how: Strike) => void, nowMs: () => number) {
    this.#below = randomBelow(seed);
    this.#struck = struck;
    this.#nowMs = nowMs;
  }

  /** What a host stores now may be what an older reply said. */
  get mayBeOld(): boolean {
    return this.#nowMs() - this.#oldMs < TAKEN_WITHIN_MS;
  }

  /** Lets nothing through to a host, or from it, from now on. */
  part(host: HostName, ways: Ways): void {
    this.#partitions.set(host, ways);
  }

  /** Every message arrives from now on. */
  calm(): void {
    this.weather = CALM;
    this.#partitions.clear();
  }

  /** What becomes of a message. */
  carry({ subject, replyTo, data }: Incoming): readonly Arrival[] {
    const { drop, repeat, delay, stale, spoil } = this.weather;
    const [host, way] = concerned(subject, replyTo);
    const asItCame = { afterMs: 1, data };
    if (host === undefined) return [asItCame];
    const cut = this.#partitions.get(host) ?? 'none';
    const isKept = cut === 'both' || cut === way;
    const isLost = this.#below(1000) < drop;
    const most = this.#below(VERY_LATE_ONE_IN) === 0 ? VERY_LATE_MS : LATE_MS;
    const late = this.#below(1000) < delay ? this.#below(most) : 0;
    const again = this.#below(1000) < repeat ? [{ afterMs: 1 + this.#below(2 * LATE_MS), data }] : [];
    const old = subject.startsWith('_INBOX') ? this.#anOldReply(host, data, stale) : undefined;
    const bad = this.#below(1000) < spoil ? spoilt(data, this.#below(3)) : undefined;
    const struck = [isLost, again.length > 0, late > 0, old !== undefined, bad !== undefined, isKept];
    if (!struck.includes(true)) return [asItCame];
    this.touched += 1;
    for (const [at, how] of STRIKES.entries()) if (struck[at]) this.#struck(how);
    if (old !== undefined) this.#oldMs = Math.max(this.#oldMs, this.#nowMs() + 1 + late);
    return isLost || isKept ? [] : [{ afterMs: 1 + late, data: bad ?? old ?? data }, ...again];
  }

  /** One that was sent to the same host before, now and then. */
  #anOldReply(host: HostName, data: Uint8Array, stale: number): Uint8Array | undefined {
    const replies = this.#replies.get(host) ?? [];
    this.#replies.set(host, [...replies.slice(1 - REPLIES_KEPT), data]);
    return this.#below(1000) < stale ? replies[this.#below(replies.length)] : undefined;
  }
}

/** One that ends too soon, is of another host, or of a version that nobody knows. */
function spoilt(data: Uint8Array, how: number): Uint8Array {
  if (how === 0) return data.subarray(0, data.length / 2);
  const text = Buffer.from(data).toString();
  return Buffer.from(how === 1 ? text.replace(/"host":"."/, '"host":"z"') : text.replace('"v":1', '"v":99'));
}

/** The host that a message goes to or comes from; none of what operators ask. */
export function concerned(subject: string, replyTo: string): [HostName, 'to' | 'from'] | [undefined, undefined] {
  const of = (text: string): HostName | undefined => {
    const parts = text.split('.');
    return HOSTS.find((name) => parts.includes(name));
  };
  if (/\.(live|ask)\./.test(subject) || subject.startsWith('_INBOX')) {
    const host = of(subject);
    return host === undefined ? [undefined, undefined] : [host, 'to'];
  }
  const host = of(subject) ?? of(replyTo);
  return host === undefined ? [undefined, undefined] : [host, 'from'];
}
