import type { AnyCode } from './codes.ts';
import { open, readVersion } from './envelope.ts';
import { readHost } from './host.ts';
import { readName } from './intent.ts';
import { encodeJson } from './json.ts';
import { object, oneOf, optional, prose, type Reader, readCode, readKey, readRev, readTime } from './read.ts';

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
}

const readEvent: Reader<Event> = object<Event>(
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
  },
  'ignored',
);

/** Reads an event; with `host`, only that host's. Unknown fields are ignored. Errors: Refused. */
export function parseEvent(input: unknown, host?: string): Event {
  return readEvent(open(input, host), '');
}

export function encodeEvent(event: Event): Uint8Array {
  return encodeJson(readEvent(event, ''));
}
