import { type ApiError, readReply } from './api.ts';
import { open, readVersion } from './envelope.ts';
import { readHost } from './host.ts';
import { encodeJson } from './json.ts';
import { object, optional, readBoolean, readTrue } from './read.ts';

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

const readForget = object<ForgetRequest>({ v: readVersion, host: readHost, force: optional(readTrue) });
const readForgetReply = object<ForgetReply>(
  { v: readVersion, host: readHost, known: readBoolean, near: optional(readHost) },
  'ignored',
);

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
