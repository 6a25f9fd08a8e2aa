import type { Incoming } from '../../../controller/ports.ts';
import type { Subjects } from '../../../protocol/subjects.ts';
import { randomBelow } from '../../conformance/sequences.ts';
import type { Arrival } from '../../fakes/memory-bus.ts';

/** What the bus does to messages of hosts, in thousandths of them. */
export interface Weather {
  readonly drop: number;
  readonly repeat: number;
  readonly delay: number;
}

export const CALM: Weather = { drop: 0, repeat: 0, delay: 0 };

/** In which ways nothing comes through between a host and the bus. */
export type Ways = 'to' | 'from' | 'both' | 'none';

const LATE_MS = 20_000;
/** One late message in so many is very late: it comes when its rollout has long gone on. */
const VERY_LATE_ONE_IN = 10;
const VERY_LATE_MS = 300_000;

/** What a bus does to messages between hosts and controllers; which of them it strikes is a matter of the seed. */
export class Carrier {
  weather = CALM;
  touched = 0;
  /** In which ways a host is cut off, at this moment. */
  readonly #waysOf: (host: string) => Ways;
  readonly #below: (bound: number) => number;
  readonly #subjects: Subjects;

  constructor(seed: number, subjects: Subjects, waysOf: (host: string) => Ways) {
    this.#below = randomBelow(seed);
    this.#subjects = subjects;
    this.#waysOf = waysOf;
  }

  carry({ subject, replyTo, data }: Incoming): readonly Arrival[] {
    const asItCame = { afterMs: 1, data };
    const [host, way] = this.#concerned(subject, replyTo);
    if (host === undefined) return [asItCame];
    const { drop, repeat, delay } = this.weather;
    const isLost = this.#below(1000) < drop;
    const most = this.#below(VERY_LATE_ONE_IN) === 0 ? VERY_LATE_MS : LATE_MS;
    const lateMs = this.#below(1000) < delay ? this.#below(most) : 0;
    const again = this.#below(1000) < repeat ? [{ afterMs: 1 + this.#below(2 * LATE_MS), data }] : [];
    const ways = this.#waysOf(host);
    const isKept = ways === 'both' || ways === way;
    if (isLost || isKept || lateMs > 0 || again.length > 0) this.touched += 1;
    return isLost || isKept ? [] : [{ afterMs: 1 + lateMs, data }, ...again];
  }

  /** The host that a message goes to or comes from; none of what operators ask. */
  #concerned(subject: string, replyTo: string): [string, 'to' | 'from'] | [undefined, undefined] {
    const inbox = /^_INBOX\.shunt\.([^.]+)\./.exec(subject)?.[1];
    if (inbox !== undefined) return [inbox, 'to'];
    const host = this.#subjects.hostOf(subject) ?? /^_INBOX\.shunt\.([^.]+)\./.exec(replyTo)?.[1];
    if (host === undefined) return [undefined, undefined];
    return [host, /\.(live|ask)\./.test(subject) ? 'to' : 'from'];
  }
}
