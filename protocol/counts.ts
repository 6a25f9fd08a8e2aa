import type { AskError } from './ask.ts';
import { open, readHostError, readVersion } from './envelope.ts';
import { readHost } from './host.ts';
import { readName } from './intent.ts';
import { encodeJson } from './json.ts';
import { readReasons } from './packets.ts';
import {
  list,
  nullable,
  object,
  type Reader,
  readCount,
  readKey,
  readRev,
  readTime,
  readU64,
  readWord,
} from './read.ts';
import { Refused } from './refused.ts';
import { type LossCount, readLossCounts, readUnwatched, readVerdictCounts } from './stats.ts';
import { type IntentState, readState } from './status.ts';

/** What an agent is asked to count: the keys of redirects, one at least. */
export interface CountsRequest {
  readonly v: 1;
  readonly keys: readonly string[];
}

/**
 * One redirect's hits. Two answers may be subtracted where `counting` is the same in both: it is another word once the redirect counts
 * in another place, or from zero.
 */
export interface Count {
  readonly key: string;
  readonly name: string;
  readonly rev: number;
  readonly state: IntentState;
  readonly counting: string;
  readonly packets: string;
  readonly bytes: string;
  /** Null: none yet. */
  readonly seenMsAgo: number | null;
  /** Of `packets`, those that were passed, by the verdict's name; null where the host does not count it. */
  readonly passed: Readonly<Record<string, string>> | null;
}

/**
 * Counts of one moment, 64 bit as decimal strings. They belong together, and to another answer, only where `boot` and `counterEpoch` are
 * the same: with another one, any of them may have begun anew.
 */
export interface CountsReply {
  readonly v: 1;
  readonly host: string;
  /** As in its status: one start of the agent. */
  readonly boot: string;
  readonly counterEpoch: string;
  readonly at: number;
  /** Of the host's own clock that nobody sets, in milliseconds: spans are differences of it. */
  readonly monotonicMs: number;
  readonly items: readonly Count[];
  /** Of the keys that were asked for, those that this host has no redirect of. */
  readonly absent: readonly string[];
  readonly verdicts: Readonly<Record<string, string>>;
  readonly losses: readonly LossCount[];
  /** All that died, listed or not. */
  readonly lost: string;
  /** Tracepoints that nobody watches there: what they would tell is not among the losses. */
  readonly unwatched: readonly string[];
}

/** The most keys of one request. */
export const MAX_COUNTED = 200;

const readKeys = list(readKey, MAX_COUNTED);
const readRequestFields = object<CountsRequest>({ v: readVersion, keys: readKeys });
/** Nothing never means all. */
const readRequest: Reader<CountsRequest> = (value, path) => {
  const request = readRequestFields(value, path);
  if (request.keys.length > 0) return request;
  throw new Refused('BAD_FIELD', 'keys', 'is empty: name the keys whose counts are asked for');
};
const readCountOf = object<Count>(
  {
    key: readKey,
    name: readName,
    rev: readRev,
    state: readState,
    counting: readWord,
    packets: readU64,
    bytes: readU64,
    seenMsAgo: nullable(readCount),
    passed: nullable(readReasons),
  },
  'ignored',
);
const readReply = object<CountsReply>(
  {
    v: readVersion,
    host: readHost,
    boot: readWord,
    counterEpoch: readWord,
    at: readTime,
    monotonicMs: readCount,
    items: list(readCountOf, MAX_COUNTED),
    absent: readKeys,
    verdicts: readVerdictCounts,
    losses: readLossCounts,
    lost: readU64,
    unwatched: readUnwatched,
  },
  'ignored',
);

/** Errors: Refused. */
export function parseCountsRequest(input: unknown): CountsRequest {
  return readRequest(open(input), '');
}

export function encodeCountsRequest(request: CountsRequest): Uint8Array {
  return encodeJson(readRequest(request, ''));
}

/** Reads the answer to `counts`; with `host`, only that host's. Unknown fields are ignored. Errors: Refused. */
export function parseCountsReply(input: unknown, host?: string): CountsReply | AskError {
  const value = open(input, host);
  return value.error === undefined ? readReply(value, '') : readHostError(value, '');
}

export function encodeCountsReply(reply: CountsReply): Uint8Array {
  return encodeJson(readReply(reply, ''));
}
