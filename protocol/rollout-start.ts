import {
  type ApiError,
  type ApplyPartReply,
  type ApplyRequest,
  applyFields,
  lastFields,
  orPartReply,
  readReply,
  requireSense,
} from './api.ts';
import { open } from './envelope.ts';
import { filledList } from './filled.ts';
import { MAX_GATES, readGates } from './gate.ts';
import { readHost, readLabelKey } from './host.ts';
import { encodeJson } from './json.ts';
import { integer, list, object, oneOf, optional, type Reader, readCount, readTrue } from './read.ts';
import { Refused } from './refused.ts';
import { type RolloutHead, readGateText, readRolloutHead, readSome, readWave } from './rollout.ts';

/** How a rollout goes; what is absent is as the controller has it. */
export interface RolloutTerms {
  /** Cumulative: numbers of hosts or shares of them, such as `1`, `10%`, `50%`, `100%`. */
  readonly waves?: readonly string[];
  readonly soakMs?: number;
  /** As people write them; those that always count need not be named. */
  readonly gates?: readonly string[];
  /** A label, over whose values each wave is spread. */
  readonly spread?: string;
  /** How many hosts of a wave may be silent. */
  readonly maxUnreachable?: string;
  readonly onFail?: OnFail;
  /** One wave, no soak; with a reason. */
  readonly now?: true;
  /** Though the same plan was rolled back a moment ago. */
  readonly again?: true;
  /** Though redirects that it does not name are touched. */
  readonly acceptCollateral?: true;
  /** Hits are not waited for. */
  readonly noTrafficOk?: true;
  /** Within which time a host has to be reachable still, or takes the change back. */
  readonly withinMs?: number;
}

/** One part of an upload, as an apply has it; in the last, how it is to go. `dryRun`: only its waves are told. */
export interface RolloutStartRequest extends ApplyRequest, RolloutTerms {
  readonly dryRun?: true;
}

export const ON_FAIL = Object.freeze(['rollback', 'pause'] as const);
export type OnFail = (typeof ON_FAIL)[number];

/** One wave: how far it goes, how many hosts it adds to those before it, and the first of them. */
export interface PlannedWave {
  readonly share: string;
  readonly hosts: readonly string[];
  readonly hostsTotal: number;
}

/** What begins, or would. `rollout` is absent of a dry run, and where nothing is otherwise on any host than it stands already. */
export interface RolloutStartReply {
  readonly v: 1;
  readonly upload: string;
  readonly created: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly deleted: number;
  readonly waves: readonly PlannedWave[];
  readonly hostsTotal: number;
  /** All that are judged. */
  readonly gates: readonly string[];
  readonly soakMs: number;
  readonly maxUnreachable: string;
  /** Hosts of it that are silent, bypassed, held or not attached now: they would come with the tail. */
  readonly late?: readonly string[];
  readonly lateTotal?: number;
  readonly rollout?: RolloutHead;
  /** It was begun by this very upload before. */
  readonly already?: true;
}

export const MAX_WAVES = 32;
/** The most hosts that one wave of a plan names. */
export const MAX_WAVE_HOSTS = 16;
const DAY_MS = 86_400_000;
export const MAX_SOAK_MS = 30 * DAY_MS;

const readFields = object<RolloutStartRequest>({
  ...applyFields,
  ...lastFields,
  waves: optional(filledList(readWave, MAX_WAVES)),
  soakMs: optional(integer(0, MAX_SOAK_MS)),
  gates: optional(readGates),
  spread: optional(readLabelKey),
  maxUnreachable: optional(readSome),
  onFail: optional(oneOf(...ON_FAIL)),
  now: optional(readTrue),
  again: optional(readTrue),
  acceptCollateral: optional(readTrue),
  noTrafficOk: optional(readTrue),
  withinMs: optional(integer(1000, DAY_MS)),
  dryRun: optional(readTrue),
});

const readStart: Reader<RolloutStartRequest> = (value, path) => {
  const request = requireSense(readFields(value, path));
  if (request.now && request.reason === undefined)
    throw new Refused('MISSING_FIELD', 'reason', 'is required with now: one wave and no soak; say why');
  if (request.now && request.waves !== undefined)
    throw new Refused('BAD_FIELD', 'waves', 'now is one wave; leave out one of the two');
  return request;
};

const readPlannedWave = object<PlannedWave>(
  { share: readWave, hosts: list(readHost, MAX_WAVE_HOSTS), hostsTotal: readCount },
  'ignored',
);

const readLastReply = object<RolloutStartReply>(
  {
    v: applyFields.v,
    upload: applyFields.upload,
    created: readCount,
    changed: readCount,
    unchanged: readCount,
    deleted: readCount,
    waves: list(readPlannedWave, MAX_WAVES),
    hostsTotal: readCount,
    gates: list(readGateText, MAX_GATES),
    soakMs: readCount,
    maxUnreachable: readSome,
    late: optional(list(readHost, MAX_WAVE_HOSTS)),
    lateTotal: optional(readCount),
    rollout: optional(readRolloutHead),
    already: optional(readTrue),
  },
  'ignored',
);

const readStartReply = orPartReply(readLastReply);

/** Errors: Refused. */
export function parseRolloutStartRequest(input: unknown): RolloutStartRequest {
  return readStart(open(input), '');
}

export function encodeRolloutStartRequest(request: RolloutStartRequest): Uint8Array {
  return encodeJson(readStart(request, ''));
}

/** Reads the answer to a part of it; unknown fields are ignored. Errors: Refused. */
export function parseRolloutStartReply(input: unknown): RolloutStartReply | ApplyPartReply | ApiError {
  return readReply(input, readStartReply);
}

export function encodeRolloutStartReply(reply: RolloutStartReply | ApplyPartReply): Uint8Array {
  return encodeJson(readStartReply(reply, ''));
}
