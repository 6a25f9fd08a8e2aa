import { type ApiError, MAX_LIST, readReply } from './api.ts';
import { open, readVersion } from './envelope.ts';
import { filledList } from './filled.ts';
import { readHost } from './host.ts';
import { readName } from './intent.ts';
import { encodeJson } from './json.ts';
import { list, object, oneOf, optional, type Reader, readCount, readTrue } from './read.ts';
import { Refused } from './refused.ts';
import { type RolloutHead, readRolloutHead, readRolloutId } from './rollout.ts';
import { readReason } from './terms.ts';

/** Nothing is published and no soak counted until somebody resumes it; gates are judged on. */
export interface RolloutPauseRequest {
  readonly v: 1;
  readonly id: string;
  readonly reason?: string;
}

/** `version`: that of the status that was looked at. `skipGate`: the step is done though a gate does not pass. */
export interface RolloutResumeRequest {
  readonly v: 1;
  readonly id: string;
  readonly version: number;
  readonly skipGate?: true;
  readonly reason?: string;
}

/** Takes it back from every host that has it. */
export interface RolloutAbortRequest {
  readonly v: 1;
  readonly id: string;
  readonly reason?: string;
}

/** Undoes one that is DONE. `force`: though redirects of it were changed since. */
export interface RolloutRollbackRequest {
  readonly v: 1;
  readonly id: string;
  readonly force?: true;
  readonly reason?: string;
}

/** Neither waits for these hosts nor judges them. */
export interface RolloutExcludeRequest {
  readonly v: 1;
  readonly id: string;
  readonly hosts: readonly string[];
  readonly reason: string;
}

/** What somebody outside saw, for its gate `external`. */
export interface RolloutVerdictRequest {
  readonly v: 1;
  readonly id: string;
  readonly verdict: 'pass' | 'fail';
  readonly reason: string;
}

/** How the rollout stands after what was asked; of a rollback, the one that undoes. */
export interface RolloutReply {
  readonly v: 1;
  readonly rollout: RolloutHead;
  /** It was so before. */
  readonly already?: true;
  /** Of a rollback with force: redirects that were changed since, and that it overwrote: the first, and how many. */
  readonly overwritten?: readonly string[];
  readonly overwrittenTotal?: number;
}

/** The most redirects that are named of those overwritten. */
export const MAX_OVERWRITTEN = 16;

const about = { v: readVersion, id: readRolloutId };
const reason = optional(readReason);
const readPause = object<RolloutPauseRequest>({ ...about, reason });
const readResumeFields = object<RolloutResumeRequest>({
  ...about,
  version: readCount,
  skipGate: optional(readTrue),
  reason,
});
const readResume: Reader<RolloutResumeRequest> = (value, path) => {
  const request = readResumeFields(value, path);
  if (!request.skipGate || request.reason !== undefined) return request;
  throw new Refused('MISSING_FIELD', 'reason', 'is required to skip gates; say why');
};
const readAbort = object<RolloutAbortRequest>({ ...about, reason });
const readRollback = object<RolloutRollbackRequest>({ ...about, force: optional(readTrue), reason });
const readExclude = object<RolloutExcludeRequest>({
  ...about,
  hosts: filledList(readHost, MAX_LIST),
  reason: readReason,
});
const readVerdict = object<RolloutVerdictRequest>({ ...about, verdict: oneOf('pass', 'fail'), reason: readReason });
const readRolloutReply = object<RolloutReply>(
  {
    v: readVersion,
    rollout: readRolloutHead,
    already: optional(readTrue),
    overwritten: optional(list(readName, MAX_OVERWRITTEN)),
    overwrittenTotal: optional(readCount),
  },
  'ignored',
);

/** Errors: Refused, as of all of these. */
export function parseRolloutPauseRequest(input: unknown): RolloutPauseRequest {
  return readPause(open(input), '');
}

export function parseRolloutResumeRequest(input: unknown): RolloutResumeRequest {
  return readResume(open(input), '');
}

export function parseRolloutAbortRequest(input: unknown): RolloutAbortRequest {
  return readAbort(open(input), '');
}

export function parseRolloutRollbackRequest(input: unknown): RolloutRollbackRequest {
  return readRollback(open(input), '');
}

export function parseRolloutExcludeRequest(input: unknown): RolloutExcludeRequest {
  return readExclude(open(input), '');
}

export function parseRolloutVerdictRequest(input: unknown): RolloutVerdictRequest {
  return readVerdict(open(input), '');
}

export function encodeRolloutPauseRequest(request: RolloutPauseRequest): Uint8Array {
  return encodeJson(readPause(request, ''));
}

export function encodeRolloutResumeRequest(request: RolloutResumeRequest): Uint8Array {
  return encodeJson(readResume(request, ''));
}

export function encodeRolloutAbortRequest(request: RolloutAbortRequest): Uint8Array {
  return encodeJson(readAbort(request, ''));
}

export function encodeRolloutRollbackRequest(request: RolloutRollbackRequest): Uint8Array {
  return encodeJson(readRollback(request, ''));
}

export function encodeRolloutExcludeRequest(request: RolloutExcludeRequest): Uint8Array {
  return encodeJson(readExclude(request, ''));
}

export function encodeRolloutVerdictRequest(request: RolloutVerdictRequest): Uint8Array {
  return encodeJson(readVerdict(request, ''));
}

/** Reads the answer to any of them; unknown fields are ignored. Errors: Refused. */
export function parseRolloutReply(input: unknown): RolloutReply | ApiError {
  return readReply(input, readRolloutReply);
}

export function encodeRolloutReply(reply: RolloutReply): Uint8Array {
  return encodeJson(readRolloutReply(reply, ''));
}
