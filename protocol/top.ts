import { type ApiError, MAX_LIST, readReply } from './api.ts';
import { readLimit } from './ask.ts';
import type { AnyCode } from './codes.ts';
import { open, readVersion } from './envelope.ts';
import { readHost } from './host.ts';
import { readName } from './intent.ts';
import { encodeJson } from './json.ts';
import { type AnyLiveState, readLiveState } from './live.ts';
import { MAX_VERDICTS } from './packets.ts';
import {
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  pattern,
  type Reader,
  readCode,
  readCount,
  readTime,
  readTrue,
  record,
  show,
} from './read.ts';
import { Refused } from './refused.ts';

/** By what rows are ordered: the most first, names by the alphabet. */
export const TOP_ORDERS = Object.freeze(['packets', 'bytes', 'passed', 'name'] as const);
export type TopOrder = (typeof TOP_ORDERS)[number];

export interface TopRequest {
  readonly v: 1;
  /** Of this host alone. */
  readonly host?: string;
  /** A row for each redirect and host, not for each redirect over all hosts. */
  readonly split?: true;
  readonly sort?: TopOrder;
  /** Only what has this in its name, or where rows are split in that of its host. */
  readonly filter?: string;
  readonly limit?: number;
}

/** How fast packets meet redirects: rates a second, by what each host told last. */
export interface TopItem {
  readonly name: string;
  /** Where rows are split. */
  readonly host?: string;
  /** Null: no host that has it told a rate that still counts. */
  readonly packets: number | null;
  readonly bytes: number | null;
  /** Of `packets`, those that were passed because they could not be sent as they were. */
  readonly passed: number | null;
  /** The worst that hosts say of it, on so many of them; absent where none says that anything is wrong. */
  readonly state?: AnyLiveState;
  readonly code?: AnyCode;
  readonly stateHosts?: number;
  /** Packets a second at points that lie `everyMs` apart, the last one now; null where nothing is known. */
  readonly series: readonly (number | null)[];
}

export interface TopReply {
  readonly v: 1;
  readonly at: number;
  /** Since when this controller listens; what was before it does not know. */
  readonly since: number;
  readonly everyMs: number;
  /** Hosts that were heard within minutes, and those of them whose rates are known now. */
  readonly hosts: number;
  readonly hostsKnown: number;
  /** Of these hosts, packets a second by the verdict's name; what died after it, null where none of them can tell. */
  readonly verdicts: Readonly<Record<string, number>>;
  readonly lost: number | null;
  readonly items: readonly TopItem[];
  /** All that there are, listed or not. */
  readonly total: number;
}

/** How fast packets meet a redirect, a second, on so many of its hosts as it is known of. */
export interface RedirectRate {
  readonly packets: number;
  readonly bytes: number;
  readonly hosts: number;
}

/** Points of a series, and how far they lie apart: five minutes, at the pace at which hosts tell. */
export const SERIES_POINTS = 20;
export const SERIES_EVERY_MS = 15_000;
const MAX_POINTS = 300;

/** Packets or bytes a second. */
export const readRate: Reader<number> = (value, path) => {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw new Refused('BAD_FIELD', path, `expected a rate, not ${show(value)}`);
};

export const readRedirectRate: Reader<RedirectRate> = object<RedirectRate>(
  { packets: readRate, bytes: readRate, hosts: readCount },
  'ignored',
);

export const readFilter: Reader<string> = pattern(
  /^[a-z0-9._-]{1,63}$/,
  'a part of a name: lower-case letters, digits, dots, dashes and underscores',
);

const readRequest = object<TopRequest>({
  v: readVersion,
  host: optional(readHost),
  split: optional(readTrue),
  sort: optional(oneOf(...TOP_ORDERS)),
  filter: optional(readFilter),
  limit: optional(readLimit),
});

const readItem = object<TopItem>(
  {
    name: readName,
    host: optional(readHost),
    packets: nullable(readRate),
    bytes: nullable(readRate),
    passed: nullable(readRate),
    state: optional(readLiveState),
    code: optional(readCode),
    stateHosts: optional(readCount),
    series: list(nullable(readRate), MAX_POINTS),
  },
  'ignored',
);

const readTopReply = object<TopReply>(
  {
    v: readVersion,
    at: readTime,
    since: readTime,
    everyMs: integer(1),
    hosts: readCount,
    hostsKnown: readCount,
    verdicts: record(readCode, readRate, MAX_VERDICTS),
    lost: nullable(readRate),
    items: list(readItem, MAX_LIST),
    total: readCount,
  },
  'ignored',
);

/** Errors: Refused. */
export function parseTopRequest(input: unknown): TopRequest {
  return readRequest(open(input), '');
}

export function encodeTopRequest(request: TopRequest): Uint8Array {
  return encodeJson(readRequest(request, ''));
}

/** Unknown fields are ignored. Errors: Refused. */
export function parseTopReply(input: unknown): TopReply | ApiError {
  return readReply(input, readTopReply);
}

export function encodeTopReply(reply: TopReply): Uint8Array {
  return encodeJson(readTopReply(reply, ''));
}
