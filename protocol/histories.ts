import { type ApiError, MAX_STRANGERS, readReply } from './api.ts';
import { readEpoch } from './cursor.ts';
import { open, readVersion } from './envelope.ts';
import { readHost } from './host.ts';
import { encodeJson } from './json.ts';
import { list, object, optional, readBoolean, readCount, readTrue } from './read.ts';

/** Every history that this database or a host knows is over: each host begins from the whole set. */
export interface RecoverRequest {
  readonly v: 1;
}

/**
 * `epoch` is the new one; `superseded` counts those that are over by this call, `foreign` of them those that only hosts knew.
 * `hosts` are the first that were held, whose history this controller could not say anything about; `hostsTotal` counts all.
 */
export interface RecoverReply {
  readonly v: 1;
  readonly epoch: string;
  readonly superseded: number;
  readonly foreign: number;
  readonly hosts: readonly string[];
  readonly hostsTotal: number;
}

/** A host that is gone for good. `force`: also one that was heard just now. */
export interface ForgetRequest {
  readonly v: 1;
  readonly host: string;
  readonly force?: true;
}

/** `known` false: there was nothing to forget, which is success too; `near` is the host that was probably meant. */
export interface ForgetReply {
  readonly v: 1;
  readonly host: string;
  readonly known: boolean;
  readonly near?: string;
}

const readRecover = object<RecoverRequest>({ v: readVersion });
const readRecoverReply = object<RecoverReply>(
  {
    v: readVersion,
    epoch: readEpoch,
    superseded: readCount,
    foreign: readCount,
    hosts: list(readHost, MAX_STRANGERS),
    hostsTotal: readCount,
  },
  'ignored',
);
const readForget = object<ForgetRequest>({ v: readVersion, host: readHost, force: optional(readTrue) });
const readForgetReply = object<ForgetReply>(
  { v: readVersion, host: readHost, known: readBoolean, near: optional(readHost) },
  'ignored',
);

/** Errors: Refused. */
export function parseRecoverRequest(input: unknown): RecoverRequest {
  return readRecover(open(input), '');
}

export function encodeRecoverRequest(request: RecoverRequest): Uint8Array {
  return encodeJson(readRecover(request, ''));
}

/** Unknown fields are ignored. Errors: Refused. */
export function parseRecoverReply(input: unknown): RecoverReply | ApiError {
  return readReply(input, readRecoverReply);
}

export function encodeRecoverReply(reply: RecoverReply): Uint8Array {
  return encodeJson(readRecoverReply(reply, ''));
}

/** Errors: Refused. */
export function parseForgetRequest(input: unknown): ForgetRequest {
  return readForget(open(input), '');
}

export function encodeForgetRequest(request: ForgetRequest): Uint8Array {
  return encodeJson(readForget(request, ''));
}

/** Unknown fields are ignored. Errors: Refused. */
export function parseForgetReply(input: unknown): ForgetReply | ApiError {
  return readReply(input, readForgetReply);
}

export function encodeForgetReply(reply: ForgetReply): Uint8Array {
  return encodeJson(readForgetReply(reply, ''));
}
