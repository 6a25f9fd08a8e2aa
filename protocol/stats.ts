import { type HostError, open, readHostError, readVersion } from './envelope.ts';
import { readHost } from './host.ts';
import { encodeJson } from './json.ts';
import { readInterface } from './match.ts';
import { MAX_VERDICTS } from './packets.ts';
import {
  list,
  nullable,
  object,
  optional,
  type Reader,
  readCode,
  readCount,
  readTime,
  readU64,
  readWord,
  record,
} from './read.ts';

/** Packets that died after their verdict, by egress, errno and the kernel's tracepoint that told of them. */
export interface LossCount {
  /** Null once the device is gone. */
  readonly interface: string | null;
  /** 0: devices that were too many to be told apart. */
  readonly ifindex: number;
  readonly tracepoint: string;
  /** Absent where the kernel gives none. */
  readonly errno?: string;
  readonly packets: string;
}

/** What a host's program decided, and what died after that; 64-bit counts as decimal strings, since the program was attached. */
export interface Stats {
  readonly v: 1;
  readonly host: string;
  readonly at: number;
  /** All that the program saw; what it sent on; and what of that died. */
  readonly packets: string;
  readonly redirected: string;
  readonly lost: string;
  /** By the verdict's name. */
  readonly verdicts: Readonly<Record<string, string>>;
  readonly losses: readonly LossCount[];
  /** Tracepoints that nobody watches there: what they would tell is not among the losses. */
  readonly unwatched: readonly string[];
}

const MAX_LOSSES = 2048;
const MAX_TRACEPOINTS = 64;

const readLossCount = object<LossCount>(
  {
    interface: nullable(readInterface),
    ifindex: readCount,
    tracepoint: readWord,
    errno: optional(readWord),
    packets: readU64,
  },
  'ignored',
);

/** Packets by the verdict's name. */
export const readVerdictCounts: Reader<Stats['verdicts']> = record(readCode, readU64, MAX_VERDICTS);
export const readLossCounts: Reader<Stats['losses']> = list(readLossCount, MAX_LOSSES);
export const readUnwatched: Reader<Stats['unwatched']> = list(readWord, MAX_TRACEPOINTS);

const readStats = object<Stats>(
  {
    v: readVersion,
    host: readHost,
    at: readTime,
    packets: readU64,
    redirected: readU64,
    lost: readU64,
    verdicts: readVerdictCounts,
    losses: readLossCounts,
    unwatched: readUnwatched,
  },
  'ignored',
);

/** Reads the answer to `stats`; with `host`, only that host's. Errors: Refused. */
export function parseStatsReply(input: unknown, host?: string): Stats | HostError {
  const value = open(input, host);
  return value.error === undefined ? readStats(value, '') : readHostError(value, '');
}

export function encodeStats(stats: Stats): Uint8Array {
  return encodeJson(readStats(stats, ''));
}
