import { type ApiError, readReply } from './api.ts';
import type { AnyCode } from './codes.ts';
import { open, readVersion } from './envelope.ts';
import { type GateVerdict, MAX_GATES, readGateVerdict, type Verdict } from './gate.ts';
import { readHost, readLabelKey } from './host.ts';
import { readName } from './intent.ts';
import { encodeJson } from './json.ts';
import {
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  pattern,
  prose,
  type Reader,
  readCode,
  readCount,
  readRev,
  readTime,
  readTrue,
} from './read.ts';
import {
  ROLLOUT_HOST_STATES,
  ROLLOUT_STATES,
  ROLLOUT_STEPS,
  type RolloutHead,
  type RolloutHostState,
  type RolloutState,
  type RolloutStep,
  readGateText,
  readRolloutHead,
  readRolloutId,
  readSome,
} from './rollout.ts';
import { MAX_WAVES, ON_FAIL, type OnFail } from './rollout-start.ts';

/** `evidence`: how many of the newest; without it, DEFAULT_EVIDENCE. `after`: only what has a greater `seq`. */
export interface RolloutStatusRequest {
  readonly v: 1;
  readonly id: string;
  readonly evidence?: number;
  readonly after?: number;
}

/** Hosts of a wave, by what is stored of them, and those that have the change by what they said last. */
export interface WaveNow extends Readonly<Record<RolloutHostState, number>> {
  readonly wave: number;
  readonly share: string;
  readonly hosts: number;
  /** Of those published: each counts in every one that it is. */
  readonly applied: number;
  readonly verified: number;
  readonly confirmed: number;
  readonly reverted: number;
  readonly silent: number;
  /** Late hosts and those that joined meanwhile. */
  readonly tail?: true;
}

/** What a rollout waits for. */
export type Wait =
  | 'hosts'
  | 'verified'
  | 'soak'
  | 'confirmed'
  | 'gates'
  | 'telemetry'
  | 'traffic'
  | 'external'
  | 'resume'
  | 'withdrawn'
  | 'tail'
  | 'repair';

/** Since when it waits, and until when at most; the rest of what it says is in the gates and hosts. */
export interface Waiting {
  readonly for: Wait | (string & {});
  readonly since: number;
  readonly until?: number;
  readonly hosts?: number;
}

/** A host that holds it up. `is`: in the words of WaveNow, or another word for what keeps it. */
export interface HoldUp {
  readonly host: string;
  readonly wave: number;
  readonly state: RolloutHostState;
  readonly is: string;
  readonly rev?: number;
  readonly at?: number;
  /** When it was heard last; null: never. */
  readonly seenAt: number | null;
  readonly code?: AnyCode;
  readonly name?: string;
}

/** What happened, in order of `seq`. `message` is the same for people. */
export interface Evidence {
  readonly seq: number;
  readonly at: number;
  readonly what: string;
  readonly state: RolloutState;
  readonly step?: RolloutStep;
  readonly wave: number;
  readonly host?: string;
  readonly gate?: string;
  readonly verdict?: Verdict;
  readonly code?: AnyCode;
  readonly actor?: string;
  readonly message: string;
}

/** All that is to be seen of a rollout. Lists have the first of them, the totals count all. */
export interface RolloutStatusReply {
  readonly v: 1;
  readonly rollout: RolloutHead;
  /** The controller's time of the answer. */
  readonly at: number;
  readonly waits?: Waiting;
  readonly soakedMs: number;
  readonly soakMs: number;
  readonly spread?: string;
  readonly maxUnreachable: string;
  readonly onFail: OnFail;
  readonly waveList: readonly WaveNow[];
  /** As they were judged last. */
  readonly gates: readonly GateVerdict[];
  readonly holdUps: readonly HoldUp[];
  readonly holdUpsTotal: number;
  readonly silent?: readonly string[];
  readonly silentTotal?: number;
  readonly deferred?: readonly string[];
  readonly deferredTotal?: number;
  readonly excluded?: readonly string[];
  readonly excludedTotal?: number;
  /** Once it goes back: hosts that may have it still, for they have not said that they have not. */
  readonly outstanding?: readonly string[];
  readonly outstandingTotal?: number;
  readonly evidence: readonly Evidence[];
}

/** The most hosts that one list of a status names, and the most that hold it up. */
export const MAX_ROLLOUT_HOSTS = 64;
/** How much evidence is kept of a rollout, and so the most that is told. */
export const MAX_EVIDENCE = 1000;
export const DEFAULT_EVIDENCE = 50;

const readRequest = object<RolloutStatusRequest>({
  v: readVersion,
  id: readRolloutId,
  evidence: optional(integer(0, MAX_EVIDENCE)),
  after: optional(readCount),
});

/** A newer controller may say what this version does not know. */
const readLowerWord: Reader<string> = pattern(/^[a-z][a-z-]{0,31}$/, 'a word');
const readWaveNumber = integer(1);

const readWaveNow = object<WaveNow>(
  {
    wave: readWaveNumber,
    share: readSome,
    hosts: readCount,
    planned: readCount,
    deferred: readCount,
    published: readCount,
    withdrawn: readCount,
    excluded: readCount,
    left: readCount,
    applied: readCount,
    verified: readCount,
    confirmed: readCount,
    reverted: readCount,
    silent: readCount,
    tail: optional(readTrue),
  },
  'ignored',
);

const readWaiting = object<Waiting>(
  { for: readLowerWord, since: readTime, until: optional(readTime), hosts: optional(readCount) },
  'ignored',
);

const readHoldUp = object<HoldUp>(
  {
    host: readHost,
    wave: readWaveNumber,
    state: oneOf(...ROLLOUT_HOST_STATES),
    is: readLowerWord,
    rev: optional(readRev),
    at: optional(readRev),
    seenAt: nullable(readTime),
    code: optional(readCode),
    name: optional(readName),
  },
  'ignored',
);

const readEvidence = object<Evidence>(
  {
    seq: readCount,
    at: readTime,
    what: readLowerWord,
    state: oneOf(...ROLLOUT_STATES),
    step: optional(oneOf(...ROLLOUT_STEPS)),
    wave: readWaveNumber,
    host: optional(readHost),
    gate: optional(readGateText),
    verdict: optional(oneOf<Verdict>('PASS', 'FAIL', 'INCONCLUSIVE')),
    code: optional(readCode),
    actor: optional(prose(256)),
    message: prose(512),
  },
  'ignored',
);

const readHosts = list(readHost, MAX_ROLLOUT_HOSTS);
const readStatusReply = object<RolloutStatusReply>(
  {
    v: readVersion,
    rollout: readRolloutHead,
    at: readTime,
    waits: optional(readWaiting),
    soakedMs: readCount,
    soakMs: readCount,
    spread: optional(readLabelKey),
    maxUnreachable: readSome,
    onFail: oneOf(...ON_FAIL),
    waveList: list(readWaveNow, MAX_WAVES + 1),
    gates: list(readGateVerdict, MAX_GATES),
    holdUps: list(readHoldUp, MAX_ROLLOUT_HOSTS),
    holdUpsTotal: readCount,
    silent: optional(readHosts),
    silentTotal: optional(readCount),
    deferred: optional(readHosts),
    deferredTotal: optional(readCount),
    excluded: optional(readHosts),
    excludedTotal: optional(readCount),
    outstanding: optional(readHosts),
    outstandingTotal: optional(readCount),
    evidence: list(readEvidence, MAX_EVIDENCE),
  },
  'ignored',
);

/** Errors: Refused. */
export function parseRolloutStatusRequest(input: unknown): RolloutStatusRequest {
  return readRequest(open(input), '');
}

export function encodeRolloutStatusRequest(request: RolloutStatusRequest): Uint8Array {
  return encodeJson(readRequest(request, ''));
}

/** Unknown fields are ignored. Errors: Refused. */
export function parseRolloutStatusReply(input: unknown): RolloutStatusReply | ApiError {
  return readReply(input, readStatusReply);
}

export function encodeRolloutStatusReply(reply: RolloutStatusReply): Uint8Array {
  return encodeJson(readStatusReply(reply, ''));
}
