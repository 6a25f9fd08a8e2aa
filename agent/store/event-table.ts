import { type Event, encodeEvent, parseEvent } from '../../protocol/event.ts';
import { Refused } from '../../protocol/refused.ts';
import type { Recorded } from '../ports.ts';
import type { OpenDatabase } from './database.ts';
import { type PreparedRead, type PreparedWrite, prepareRead, prepareWrite } from './prepared.ts';
import type { EventRow } from './schema.ts';

/** What the flight recorder keeps of one key, and of all together. */
export const EVENTS_PER_KEY = 32;
export const EVENTS_IN_ALL = 65_536;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Rows of `events`: the flight recorder. Nothing depends on them, so they have no checksum, and one that is damaged or that
 * only a newer agent can read is left out.
 */
export class EventTable {
  readonly #add: PreparedWrite<Omit<EventRow, 'id'>>;
  readonly #ofKey: PreparedRead<{ key: string }, Pick<EventRow, 'body'>>;
  readonly #before: PreparedRead<{ before: number; limit: number }, Pick<EventRow, 'body'> & { readonly id: number }>;
  readonly #trimKey: PreparedWrite<{ key: string }>;
  readonly #trimAll: PreparedWrite<object>;

  constructor({ raw, queries }: OpenDatabase) {
    this.#add = prepareWrite<Omit<EventRow, 'id'>>(raw, (slot) =>
      queries
        .insertInto('events')
        .values({ key: slot('key'), at_ms: slot('at_ms'), kind: slot('kind'), body: slot('body') }),
    );
    this.#ofKey = prepareRead<{ key: string }, Pick<EventRow, 'body'>>(raw, (slot) =>
      queries.selectFrom('events').select('body').where('key', '=', slot('key')).orderBy('id'),
    );
    this.#before = prepareRead<{ before: number; limit: number }, { id: number; body: string }>(raw, (slot) =>
      queries
        .selectFrom('events')
        .select(['id', 'body'])
        .where('id', '<', slot('before'))
        .orderBy('id', 'desc')
        .limit(slot('limit')),
    );
    this.#trimKey = prepareWrite<{ key: string }>(raw, (slot) =>
      queries
        .deleteFrom('events')
        .where('key', '=', slot('key'))
        .where('id', '<=', (eb) =>
          eb
            .selectFrom('events')
            .select('id')
            .where('key', '=', slot('key'))
            .orderBy('id', 'desc')
            .limit(1)
            .offset(EVENTS_PER_KEY),
        ),
    );
    this.#trimAll = prepareWrite(raw, () =>
      queries
        .deleteFrom('events')
        .where('id', '<=', (eb) =>
          eb.selectFrom('events').select((of) => of(of.fn.max('id'), '-', EVENTS_IN_ALL).as('last')),
        ),
    );
  }

  /** Adds events, then drops the oldest beyond the bounds. */
  record(events: readonly Event[]): void {
    const keys = new Set<string>();
    for (const event of events) {
      if (event.key !== undefined) keys.add(event.key);
      const body = decoder.decode(encodeEvent(event));
      this.#add.run({ key: event.key ?? null, at_ms: event.at, kind: event.kind, body });
    }
    for (const key of keys) this.#trimKey.run({ key });
    this.#trimAll.run({});
  }

  /** Reads the events of a key, oldest first. */
  ofKey(key: string): readonly Event[] {
    return this.#ofKey.all({ key }).flatMap(({ body }) => readBody(body));
  }

  /** Reads the newest events before a place, oldest first. */
  before(place: number, limit: number): Recorded {
    const rows = this.#before.all({ before: place, limit }).reverse();
    return { events: rows.flatMap(({ body }) => readBody(body)), first: rows[0]?.id ?? 0 };
  }
}

function readBody(body: string): readonly Event[] {
  try {
    return [parseEvent(encoder.encode(body))];
  } catch (error) {
    if (error instanceof Refused) return [];
    throw error;
  }
}
