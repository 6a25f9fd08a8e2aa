import { readChangeId } from './change-id.ts';
import type { AnyCode } from './codes.ts';
import { open, readVersion } from './envelope.ts';
import { readHost } from './host.ts';
import { readName } from './intent.ts';
import { encodeJson } from './json.ts';
import {
  integer,
  list,
  object,
  optional,
  pattern,
  prose,
  type Reader,
  readCode,
  readCount,
  readDigest,
  readJson,
  readRev,
  requireObject,
} from './read.ts';
import { Refused } from './refused.ts';
import { readSet, readSetOutcome, type SetOutcome } from './sets.ts';
import type { Problem } from './spec.ts';
import { requireReason, type Terms, termFields } from './terms.ts';

/** Every verb, and whether it changes anything: one that does may have been done though no answer came. */
export const API_VERBS = Object.freeze({
  apply: true,
  plan: false,
  'plan-page': false,
  get: false,
  delete: true,
  hosts: false,
  top: false,
  recover: true,
  forget: true,
  names: false,
  change: false,
  history: false,
  'rollout-start': true,
  'rollout-list': false,
  'rollout-status': false,
  'rollout-pause': true,
  'rollout-resume': true,
  'rollout-abort': true,
  'rollout-rollback': true,
  'rollout-exclude': true,
  'rollout-verdict': true,
} as const);
export type ApiVerb = keyof typeof API_VERBS;

export function isApiVerb(verb: string): verb is ApiVerb {
  return Object.hasOwn(API_VERBS, verb);
}

/** Why a request was refused; `problems` name the specs of an upload, counted over all its parts. */
export interface ApiError {
  readonly v: 1;
  readonly error: { readonly code: AnyCode; readonly message: string; readonly problems?: readonly Problem[] };
}

/**
 * One part of an upload, `part` from 0 to `parts` - 1; the last commits it whole, and its terms count. Specs are judged by
 * the controller.
 */
export interface ApplyRequest extends Terms {
  readonly v: 1;
  readonly upload: string;
  readonly part: number;
  readonly parts: number;
  readonly specs: readonly unknown[];
  /** In the last part: the set that all of them are put into. A controller of an older release refuses it. */
  readonly set?: string;
  /** In the last part, with a set: what is in it beside the upload and is to go, exactly. */
  readonly prune?: readonly string[];
  /** In the last part: what goes in the same transaction, in a set or not. */
  readonly delete?: readonly string[];
  /** In the last part: what a plan of the same relied on; it is refused once anything of that moved. */
  readonly basis?: string;
  /** With a basis: the newest change by then, as that plan said, so that the refusal can name what moved since. */
  readonly newest?: number;
}

/** The answer to every part but the last. */
export interface ApplyPartReply {
  readonly v: 1;
  readonly upload: string;
  readonly part: number;
}

/** The answer to the last part: how many specs did what, how many hosts have changes, and the newest revision. */
export interface ApplyReply {
  readonly v: 1;
  readonly upload: string;
  readonly created: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly hosts: number;
  readonly rev: number;
  /** Redirects, of those created or changed, whose selector fits no host that ever reported: the first, and how many. */
  readonly unmatched?: readonly string[];
  readonly unmatchedTotal?: number;
  /** Hosts that they list and that never reported. */
  readonly unheard?: readonly string[];
  readonly unheardTotal?: number;
  /** Where a set was named; a controller of an older release says nothing. */
  readonly set?: SetOutcome;
  /** How many were pruned. */
  readonly deleted?: number;
  /** Its id, to be waited for. An older controller has none. */
  readonly change?: string;
}

/** A name that is not there, and the one that was probably meant. */
export interface Near {
  readonly name: string;
  readonly near: string;
}

/** The most elements of a list in one message of the api; its size ends it sooner. */
export const MAX_LIST = 10_000;
/** The most problems that one reply names: enough to mend a file, and it fits a message. */
export const MAX_PROBLEMS = 1000;
/** The most redirects and hosts that an apply names because they find nobody. */
export const MAX_STRANGERS = 16;
/** The most names for which a near one is looked for. */
export const MAX_NEAR = 3;
const MAX_PARTS = 65_536;

const readUpload = pattern(/^[A-Za-z0-9_-]{1,64}$/, 'an upload id of letters, digits, dash or underscore');

const readProblem = object<Problem>(
  {
    index: readCount,
    name: optional(prose(63)),
    code: readCode,
    path: prose(256),
    message: prose(512),
  },
  'ignored',
);

const readApiError: Reader<ApiError> = object<ApiError>(
  {
    v: readVersion,
    error: object<ApiError['error']>(
      { code: readCode, message: prose(1024), problems: optional(list(readProblem, MAX_PROBLEMS)) },
      'ignored',
    ),
  },
  'ignored',
);

/** The fields of one part of an upload. */
export const applyFields = {
  v: readVersion,
  upload: readUpload,
  part: readCount,
  parts: integer(1, MAX_PARTS),
  specs: list(readJson, MAX_LIST),
};
/** What the last part may say beside them, of an apply and of a rollout. */
export const lastFields = {
  set: optional(readSet),
  prune: optional(list(readName, MAX_LIST)),
  delete: optional(list(readName, MAX_LIST)),
  basis: optional(readDigest),
  newest: optional(readCount),
  ...termFields,
};
const readApplyFields = object<ApplyRequest>({ ...applyFields, ...lastFields });

const readApply: Reader<ApplyRequest> = (value, path) => requireSense(readApplyFields(value, path));

/** What fields say together. Errors: Refused. */
export function requireSense<T extends ApplyRequest>(request: T): T {
  if (request.prune !== undefined && request.set === undefined)
    throw new Refused('MISSING_FIELD', 'set', 'is required with prune: what is not in it stays');
  return requireReason(requirePart(request));
}

/** Errors: Refused, of a part that is none of its upload. */
export function requirePart<T extends Pick<ApplyRequest, 'part' | 'parts'>>(request: T): T {
  if (request.part < request.parts) return request;
  throw new Refused('BAD_FIELD', 'part', `part ${request.part} of ${request.parts}: parts are counted from 0`);
}

const readPartReply = object<ApplyPartReply>({ v: readVersion, upload: readUpload, part: readCount }, 'ignored');
const readApplyLastReply = object<ApplyReply>(
  {
    v: readVersion,
    upload: readUpload,
    created: readCount,
    changed: readCount,
    unchanged: readCount,
    hosts: readCount,
    rev: readRev,
    unmatched: optional(list(readName, MAX_STRANGERS)),
    unmatchedTotal: optional(readCount),
    unheard: optional(list(readHost, MAX_STRANGERS)),
    unheardTotal: optional(readCount),
    set: optional(readSetOutcome),
    deleted: optional(readCount),
    change: optional(readChangeId),
  },
  'ignored',
);
const readApplyReply = orPartReply(readApplyLastReply);

/** Reads the answer to a part of an upload: of the last one what `readLast` does, of the others that it came. */
export function orPartReply<T>(readLast: Reader<T>): Reader<T | ApplyPartReply> {
  return (value, path) =>
    requireObject(value, path).part === undefined ? readLast(value, path) : readPartReply(value, path);
}

export const readNear = list(object<Near>({ name: readName, near: readName }, 'ignored'), MAX_STRANGERS);
/** Reads a request of the api. Errors: Refused. */
export function parseApplyRequest(input: unknown): ApplyRequest {
  return readApply(open(input), '');
}

export function encodeApplyRequest(request: ApplyRequest): Uint8Array {
  return encodeJson(readApply(request, ''));
}

/** Reads a reply of the api; unknown fields are ignored. Errors: Refused. */
export function parseApplyReply(input: unknown): ApplyReply | ApplyPartReply | ApiError {
  return readReply(input, readApplyReply);
}

export function isApiError<T extends object>(reply: T | ApiError): reply is ApiError {
  return 'error' in reply;
}

export function encodeApplyReply(reply: ApplyReply | ApplyPartReply): Uint8Array {
  return encodeJson(readApplyReply(reply, ''));
}

export function encodeApiError(error: ApiError): Uint8Array {
  return encodeJson(readApiError(error, ''));
}

/** Reads a reply that may be a refusal. */
export function readReply<T>(input: unknown, read: Reader<T>): T | ApiError {
  const value = open(input);
  return value.error === undefined ? read(value, '') : readApiError(value, '');
}
