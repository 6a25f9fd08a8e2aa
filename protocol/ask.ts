import { type Action, readAction } from './action.ts';
import type { AnyCode } from './codes.ts';
import { type HostError, open, readHostError, readVersion } from './envelope.ts';
import { readHost } from './host.ts';
import { readName } from './intent.ts';
import { encodeJson } from './json.ts';
import {
  integer,
  list,
  nullable,
  object,
  optional,
  pattern,
  type Reader,
  readCode,
  readCount,
  readKey,
  readMacText,
  readRev,
  readU64,
  readWord,
} from './read.ts';
import {
  type HostProblem,
  type IntentState,
  MAX_HOST_PROBLEMS,
  readHostProblem,
  readState,
  readStatus,
  type Status,
} from './status.ts';

/**
 * What an agent answers: `status` with its status, `dump` with a page of its intents and what the kernel holds of them,
 * `explain` with all about one of them, `events` with a page of what happened, `stats` with what became of
 * packets, `counts` with what some redirects counted, `rearm` once redirects that were given up in silence stand again, `resync` once the whole set was taken anew,
 * `release` once what the brake withholds is let go.
 */
export const ASK_VERBS = Object.freeze([
  'status',
  'dump',
  'explain',
  'events',
  'stats',
  'counts',
  'rearm',
  'resync',
  'release',
] as const);
export type AskVerb = (typeof ASK_VERBS)[number];

export function isAskVerb(verb: string): verb is AskVerb {
  return (ASK_VERBS as readonly string[]).includes(verb);
}

/** `after` and `limit` page a list: `after` is the `next` of the reply before. */
export interface AskRequest {
  readonly v: 1;
  readonly after?: string;
  readonly limit?: number;
}

export type AskError = HostError;

/** What stands in the kernel map now. `until` is in kernel jiffies, as a decimal string, '0' for no end. */
export interface KernelEntry {
  readonly ifindex: number;
  readonly dmac: string;
  readonly smac: string;
  readonly mtu: number;
  readonly action: string;
  readonly until: string;
}

/** One intent of a host: its state, its counters (64 bit, decimal strings) and its kernel entry. */
export interface DumpEntry {
  readonly key: string;
  readonly name: string;
  readonly rev: number;
  readonly state: IntentState;
  readonly code?: AnyCode;
  readonly slot: number | null;
  readonly packets: string;
  readonly bytes: string;
  readonly seenMsAgo: number | null;
  readonly to: Action;
  readonly entry: KernelEntry | null;
}

export interface Dump {
  readonly v: 1;
  readonly host: string;
  /** Why the host may have others than these, as in its status; absent where it is known what it has. */
  readonly problems?: readonly HostProblem[];
  readonly items: readonly DumpEntry[];
  readonly next: string | null;
}

/** The most elements that one reply lists, and what a request without a limit gets. */
export const MAX_LIMIT = 1000;

export const readLimit: Reader<number> = integer(1, MAX_LIMIT);
/** A place in a list: a key, a name or a host. */
export const readPlace: Reader<string> = pattern(/^[\x20-\x7e]{1,256}$/, 'the `next` of a reply');

const readRequest = object<AskRequest>({ v: readVersion, after: optional(readPlace), limit: optional(readLimit) });

/** The fields of what stands in the kernel map. */
export const kernelEntryFields = {
  ifindex: readCount,
  dmac: readMacText,
  smac: readMacText,
  mtu: readCount,
  action: readWord,
  until: readU64,
};
const readKernelEntry = object<KernelEntry>(kernelEntryFields, 'ignored');

const readDumpEntry = object<DumpEntry>(
  {
    key: readKey,
    name: readName,
    rev: readRev,
    state: readState,
    code: optional(readCode),
    slot: nullable(readCount),
    packets: readU64,
    bytes: readU64,
    seenMsAgo: nullable(readCount),
    to: readAction,
    entry: nullable(readKernelEntry),
  },
  'ignored',
);

const readDump = object<Dump>(
  {
    v: readVersion,
    host: readHost,
    problems: optional(list(readHostProblem, MAX_HOST_PROBLEMS)),
    items: list(readDumpEntry, MAX_LIMIT),
    next: nullable(readPlace),
  },
  'ignored',
);

/** Reads what an agent is asked. Errors: Refused. */
export function parseAskRequest(input: unknown): AskRequest {
  return readRequest(open(input), '');
}

export function encodeAskRequest(request: AskRequest): Uint8Array {
  return encodeJson(readRequest(request, ''));
}

/** Reads the answer to `status`; with `host`, only that host's. Errors: Refused. */
export function parseStatusReply(input: unknown, host?: string): Status | AskError {
  const value = open(input, host);
  return value.error === undefined ? readStatus(value, '') : readHostError(value, '');
}

/** Reads the answer to `dump`; with `host`, only that host's. Errors: Refused. */
export function parseDumpReply(input: unknown, host?: string): Dump | AskError {
  const value = open(input, host);
  return value.error === undefined ? readDump(value, '') : readHostError(value, '');
}

export function isAskError(reply: Status | Dump | AskError): reply is AskError {
  return 'error' in reply;
}

export function encodeDump(dump: Dump): Uint8Array {
  return encodeJson(readDump(dump, ''));
}

export function encodeAskError(error: AskError): Uint8Array {
  return encodeJson(readHostError(error, ''));
}
