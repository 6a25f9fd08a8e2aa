import type { AnyCode } from './codes.ts';
import { readEpochOrNone } from './cursor.ts';
import { open, readVersion } from './envelope.ts';
import { type GuardStatus, readGuard } from './guard.ts';
import { type Labels, readHost, readLabels } from './host.ts';
import { readName } from './intent.ts';
import { encodeJson } from './json.ts';
import {
  type BrakeStatus,
  type IdleStatus,
  MAX_IDLE,
  MAX_UNCONFIRMED,
  readBrake,
  readIdleStatus,
  readUnconfirmed,
  type UnconfirmedStatus,
} from './own-decisions.ts';
import {
  type InterfaceStatus,
  type PassedStatus,
  readInterfaces,
  readLosses,
  readPassedHits,
  type Undelivered,
} from './packets.ts';
import { type Rates, readRates } from './rates.ts';
import {
  integer,
  list,
  MAX_TIME_MS,
  nullable,
  object,
  oneOf,
  optional,
  prose,
  type Reader,
  readCode,
  readCount,
  readDigest,
  readKey,
  readRev,
  readTime,
  readTrue,
  readU64,
  readWord,
  show,
} from './read.ts';
import { Refused } from './refused.ts';
import { type RefusedStatus, readRefused } from './refused-status.ts';

/** What has become of an intent on its host. */
export type IntentState = 'pending' | 'installed' | 'idle' | 'expired' | 'blocked' | 'denied' | 'failed';
export type ExceptionState = Extract<IntentState, 'blocked' | 'denied' | 'failed'>;

export interface Counts {
  readonly desired: number;
  readonly installed: number;
  readonly idle: number;
  readonly expired: number;
  readonly blocked: number;
  readonly denied: number;
  readonly failed: number;
}

/** An intent that the kernel does not do, and why. `retryAt` is in ms since 1970. */
export interface Exception {
  readonly key: string;
  readonly name: string;
  readonly rev: number;
  readonly state: ExceptionState;
  readonly code: AnyCode;
  readonly errno?: string;
  readonly retryAt?: number;
}

/** Slots in use and in all; shapes in use, and the most that each address family may have. */
export interface Capacity {
  readonly used: number;
  readonly max: number;
  readonly shapes: number;
  readonly shapesMax?: number;
}

/** A program as people name it: the release that it is of, and the kernel's own tag, 8 bytes of a hash of its code in hex. */
export interface ProgramName {
  readonly version: string;
  readonly tag: string;
}

/** What is wrong with a host as a whole, and since when, in ms since 1970. */
export interface HostProblem {
  readonly code: AnyCode;
  readonly since: number;
  /** Where, if the code alone does not say it. */
  readonly detail?: string;
}

/** A host that was not heard for so long is silent: a status is said anew after 18 s at most, and three of them did not come. */
export const SILENT_MS = 60_000;

/** Whether one that was not heard for so long is silent. */
export function isSilentFor(ms: number): boolean {
  return ms >= SILENT_MS;
}

/**
 * What a host says of itself. `applied` = r: every change up to r is in the kernel, or idle or expired by its own rule, or
 * listed in `exceptions`; `verified` = r: and read back since. `deleteAbsent` counts deletes of what was already gone.
 */
export interface Status {
  readonly v: 1;
  readonly host: string;
  readonly boot: string;
  readonly agent: string;
  readonly at: number;
  /** Counted since `boot`: of two statuses of one boot the greater is the newer. Absent where the agent does not count. */
  readonly seq?: number;
  /** What this agent understands beyond version 1 itself; absent is nothing. */
  readonly can?: readonly string[];
  readonly epoch: string;
  readonly stored: number;
  readonly applied: number;
  readonly verified: number;
  readonly digest: string;
  readonly counts: Counts;
  readonly deleteAbsent: string;
  readonly exceptions: readonly Exception[];
  readonly exceptionsTotal: number;
  readonly capacity: Capacity;
  readonly interfaces: readonly InterfaceStatus[];
  /** The program in force; absent where nobody said which it is. */
  readonly program?: ProgramName;
  readonly labels: Labels;
  /** What the host lets redirects do; null where the agent does not say it, or not in words known here. */
  readonly guard: GuardStatus | null;
  readonly refused: RefusedStatus;
  /** The first of `problems`, for those who read no more; absent when all is well. */
  readonly problem?: AnyCode;
  /** Why desired state is held, not proven or not stored: each code once, the gravest first; absent when all is well. */
  readonly problems?: readonly HostProblem[];
  /** The program passes every packet; absent when redirects are in force. */
  readonly bypass?: true;
  /** What does not arrive; absent when all is well, null when the host cannot tell. */
  readonly undelivered?: readonly Undelivered[] | null;
  /** Milliseconds by which the host's wall clock is ahead of the controller's, from CLOCK_SHOWN_MS on; negative: behind. */
  readonly clockAhead?: number;
  /** What somebody else changed in the host's maps, and was put right; absent when nothing was. */
  readonly drifted?: string;
  /** Whose packets are not sent, the most first; absent when all are, null when the host does not count it. */
  readonly passed?: readonly PassedStatus[] | null;
  readonly passedTotal?: number;
  /** The first of those that were given up in silence; `counts` has them all. Absent where there are none, or the agent does not name them. */
  readonly idle?: readonly IdleStatus[];
  /** The changes that are taken back unless they are confirmed, the soonest first; absent where there are none. */
  readonly unconfirmed?: readonly UnconfirmedStatus[];
  readonly unconfirmedTotal?: number;
  /** The lowest rev of a change that wants to be confirmed and does not stand yet. */
  readonly unarmed?: number;
  /** The marks that the host has stored. */
  readonly confirmed?: number;
  readonly permit?: number;
  /** Absent while the host follows what it is told. */
  readonly brake?: BrakeStatus;
  /** What packets did since the last status that had it; absent while that is too short ago, or not known. */
  readonly rates?: Rates;
  /** The last one of this start: the agent ends, and what stands in the kernel goes on. Absent of one that runs. */
  readonly ended?: true;
}

/** A clock that is wrong by less is no trouble to anybody. */
export const CLOCK_SHOWN_MS = 5_000;

/** The most exceptions that a status lists; `exceptionsTotal` has them all. */
export const MAX_EXCEPTIONS = 64;
export const MAX_HOST_PROBLEMS = 16;
const MAX_ABILITIES = 64;

export const readState: Reader<IntentState> = oneOf(
  'pending',
  'installed',
  'idle',
  'expired',
  'blocked',
  'denied',
  'failed',
);

const readCounts = object<Counts>(
  {
    desired: readCount,
    installed: readCount,
    idle: readCount,
    expired: readCount,
    blocked: readCount,
    denied: readCount,
    failed: readCount,
  },
  'ignored',
);

const readException = object<Exception>(
  {
    key: readKey,
    name: readName,
    rev: readRev,
    state: oneOf('blocked', 'denied', 'failed'),
    code: readCode,
    errno: optional(readWord),
    retryAt: optional(readTime),
  },
  'ignored',
);

export const readProgram = object<ProgramName>({ version: readWord, tag: readWord }, 'ignored');

export const readHostProblem = object<HostProblem>(
  { code: readCode, since: readTime, detail: optional(prose(1024)) },
  'ignored',
);

/** What is no word, or one too many, is left out: a newer agent must not lose its status for what it can. */
const readCan: Reader<readonly string[]> = (value, path) => {
  if (!Array.isArray(value)) throw new Refused('BAD_FIELD', path, `expected a list, not ${show(value)}`);
  const words = value.filter((word): word is string => typeof word === 'string' && /^[a-z][a-z0-9-]{0,31}$/.test(word));
  return Object.freeze(words.slice(0, MAX_ABILITIES));
};

const readFields = object<Status>(
  {
    v: readVersion,
    host: readHost,
    boot: readWord,
    agent: readWord,
    at: readTime,
    seq: optional(readCount),
    can: optional(readCan),
    epoch: readEpochOrNone,
    stored: readRev,
    applied: readRev,
    verified: readRev,
    digest: readDigest,
    counts: readCounts,
    deleteAbsent: readU64,
    exceptions: list(readException, MAX_EXCEPTIONS),
    exceptionsTotal: readCount,
    capacity: object<Capacity>(
      { used: readCount, max: readCount, shapes: readCount, shapesMax: optional(readCount) },
      'ignored',
    ),
    interfaces: readInterfaces,
    program: optional(readProgram),
    labels: readLabels,
    guard: readGuard,
    refused: readRefused,
    problem: optional(readCode),
    problems: optional(list(readHostProblem, MAX_HOST_PROBLEMS)),
    bypass: optional(readTrue),
    undelivered: optional(nullable(readLosses)),
    clockAhead: optional(integer(-MAX_TIME_MS, MAX_TIME_MS)),
    drifted: optional(readU64),
    passed: optional(nullable(readPassedHits)),
    passedTotal: optional(readCount),
    idle: optional(list(readIdleStatus, MAX_IDLE)),
    unconfirmed: optional(list(readUnconfirmed, MAX_UNCONFIRMED)),
    unconfirmedTotal: optional(readCount),
    unarmed: optional(readRev),
    confirmed: optional(readRev),
    permit: optional(readRev),
    brake: optional(readBrake),
    rates: optional(readRates),
    ended: optional(readTrue),
  },
  'ignored',
);

export const readStatus: Reader<Status> = (value, path) => {
  const status = readFields(value, path);
  if (status.exceptionsTotal < status.exceptions.length) {
    throw new Refused('BAD_FIELD', 'exceptionsTotal', `${status.exceptionsTotal} is less than what is listed`);
  }
  return status;
};

/** Reads a status; with `host`, only that host's. Unknown fields are ignored. Errors: Refused. */
export function parseStatus(input: unknown, host?: string): Status {
  return readStatus(open(input, host), '');
}

export function encodeStatus(status: Status): Uint8Array {
  return encodeJson(readStatus(status, ''));
}
