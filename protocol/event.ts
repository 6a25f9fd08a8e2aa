import { type AskError, MAX_LIMIT, readPlace } from './ask.ts';
import type { AnyCode } from './codes.ts';
import { open, readHostError, readVersion } from './envelope.ts';
import { readHost } from './host.ts';
import { readName } from './intent.ts';
import { encodeJson } from './json.ts';
import {
  list,
  nullable,
  object,
  oneOf,
  optional,
  prose,
  type Reader,
  readCode,
  readCount,
  readKey,
  readRev,
  readTime,
} from './read.ts';

export const EVENT_KINDS = [
  'applied',
  'removed',
  'idle',
  'expired',
  'drift',
  'denied',
  'blocked',
  'failed',
  'reverted',
  'refused',
  'undelivered',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** Something that happened on a host, at `at` (ms since 1970). */
export interface Event {
  readonly v: 1;
  readonly host: string;
  readonly at: number;
  readonly kind: EventKind;
  readonly key?: string;
  readonly name?: string;
  readonly rev?: number;
  readonly code?: AnyCode;
  readonly detail?: string;
  /** It stands for so many events of its kind that were not told one by one. */
  readonly more?: number;
}

export const readEvent: Reader<Event> = object<Event>(
  {
    v: readVersion,
    host: readHost,
    at: readTime,
    kind: oneOf(...EVENT_KINDS),
    key: optional(readKey),
    name: optional(readName),
    rev: optional(readRev),
    code: optional(readCode),
    detail: optional(prose(1024)),
    more: optional(readCount),
  },
  'ignored',
);

/** A page of what happened on a host, oldest first; `next` is where the page before it ends, null when there is none. */
export interface Events {
  readonly v: 1;
  readonly host: string;
  readonly items: readonly Event[];
  readonly next: string | null;
}

const readEvents = object<Events>(
  { v: readVersion, host: readHost, items: list(readEvent, MAX_LIMIT), next: nullable(readPlace) },
  'ignored',
);

/** Reads the answer to `events`; with `host`, only that host's. Unknown fields are ignored. Errors: Refused. */
export function parseEventsReply(input: unknown, host?: string): Events | AskError {
  const value = open(input, host);
  return value.error === undefined ? readEvents(value, '') : readHostError(value, '');
}

export function encodeEvents(events: Events): Uint8Array {
  return encodeJson(readEvents(events, ''));
}

/** Reads an event; with `host`, only that host's. Unknown fields are ignored. Errors: Refused. */
export function parseEvent(input: unknown, host?: string): Event {
  return readEvent(open(input, host), '');
}

export function encodeEvent(event: Event): Uint8Array {
  return encodeJson(readEvent(event, ''));
}
