import type { Event } from '../../protocol/event.ts';
import type { Teller } from './tell.ts';

/**
 * Within any second so many events are told one by one: with a summary of each kind, of redirects and of the host, no
 * more than 100. One kind has at most half of them, so that another one is heard beside it.
 */
const NAMED_MAX = 76;
const OF_A_KIND = NAMED_MAX / 2;
const WINDOW_MS = 1_000;
/** A flood is over when for so long nothing more of its kind has come. */
const QUIET_MS = 1_000;
/** Of one that goes on there is a summary now and then. */
const LONGEST_MS = 60_000;
/** Codes that a summary names. */
const CODES_NAMED = 8;

/** Events of one kind that are not told one by one. Monotonic milliseconds. */
interface Flood {
  readonly sinceMs: number;
  lastMs: number;
  count: number;
  readonly codes: Map<string, number>;
  readonly first: Event;
}

/** Keeps what is told within bounds, whatever happens at once: of a flood the first events are told, the others summed up. */
export class EventRate {
  readonly #all = new Window(NAMED_MAX);
  readonly #kinds = new Map<string, Window>();
  readonly #floods = new Map<string, Flood>();

  /** When a summary is due; infinity where nothing is to be summed up. Monotonic milliseconds. */
  get dueMs(): number {
    return Math.min(...this.#floods.values().map(endOf));
  }

  /** Takes what happened, and answers what of it is to be told now. `nowMs`: monotonic milliseconds. */
  admit(events: readonly Event[], nowMs: number): Event[] {
    return events.filter((event) => {
      const kind = kindOf(event);
      const flood = this.#floods.get(kind);
      if (flood === undefined && this.#hasRoom(kind, nowMs)) return true;
      this.#count(kind, event, flood, nowMs);
      return false;
    });
  }

  /** One event for each flood that is over, or has lasted for long; with `all`, for each. `nowMs`: monotonic milliseconds. */
  summaries(teller: Teller, nowMs: number, all = false): Event[] {
    const over = [...this.#floods].filter(([, flood]) => all || endOf(flood) <= nowMs);
    for (const [kind] of over) this.#floods.delete(kind);
    return over.map(([, flood]) => tellFlood(teller, flood));
  }

  #hasRoom(kind: string, nowMs: number): boolean {
    const mine = this.#kinds.get(kind) ?? new Window(OF_A_KIND);
    this.#kinds.set(kind, mine);
    if (!mine.hasRoom(nowMs) || !this.#all.hasRoom(nowMs)) return false;
    mine.take(nowMs);
    this.#all.take(nowMs);
    return true;
  }

  #count(kind: string, event: Event, flood: Flood | undefined, nowMs: number): void {
    const counted = flood ?? { sinceMs: nowMs, lastMs: nowMs, count: 0, codes: new Map(), first: event };
    if (flood === undefined) this.#floods.set(kind, counted);
    counted.lastMs = nowMs;
    counted.count += 1;
    if (event.code !== undefined) counted.codes.set(event.code, (counted.codes.get(event.code) ?? 0) + 1);
  }
}

/** When the last ones were told: no more than `most` within any second. */
class Window {
  readonly #most: number;
  readonly #times: number[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  hasRoom(nowMs: number): boolean {
    return this.#times.length < this.#most || nowMs - (this.#times[0] ?? 0) >= WINDOW_MS;
  }

  take(nowMs: number): void {
    this.#times.push(nowMs);
    if (this.#times.length > this.#most) this.#times.shift();
  }
}

/** What concerns a host as a whole is not drowned by its redirects. */
function kindOf({ kind, key }: Event): string {
  return key === undefined ? `${kind} of the host` : kind;
}

function endOf({ sinceMs, lastMs }: Flood): number {
  return Math.min(lastMs + QUIET_MS, sinceMs + LONGEST_MS);
}

function tellFlood({ host, at }: Teller, { sinceMs, lastMs, count, codes, first }: Flood): Event {
  const most = [...codes].sort(([, a], [, b]) => b - a);
  const [code, ofCode] = most[0] ?? [];
  const named = most.slice(0, CODES_NAMED).map(([of, times]) => `${of} ${times}`);
  const detail = [`${count} more within ${((lastMs - sinceMs) / 1000).toFixed(1)} s`, ...named].join(', ');
  return {
    v: 1,
    host,
    at,
    kind: first.kind,
    ...(ofCode === count && code !== undefined && { code }),
    detail,
    more: count,
  };
}
