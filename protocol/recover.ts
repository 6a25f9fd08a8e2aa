import { type ApiError, readReply } from './api.ts';
import { readEpoch } from './cursor.ts';
import { open, readVersion } from './envelope.ts';
import { encodeJson } from './json.ts';
import { object, readCount } from './read.ts';

export interface RecoverRequest {
  readonly v: 1;
}

/** The log's history begins anew (R7): with which epoch, how many it supersedes, and how many of those were unknown before. */
export interface RecoverReply {
  readonly v: 1;
  readonly epoch: string;
  readonly superseded: number;
  readonly foreign: number;
  /** Hosts that are to report before they are served: what is known of them is older than what they may say. */
  readonly unheard: number;
}

const readRequest = object<RecoverRequest>({ v: readVersion });
const readRecoverReply = object<RecoverReply>(
  { v: readVersion, epoch: readEpoch, superseded: readCount, foreign: readCount, unheard: readCount },
  'ignored',
);

/** Errors: Refused. */
export function parseRecoverRequest(input: unknown): RecoverRequest {
  return readRequest(open(input), '');
}

export function encodeRecoverRequest(request: RecoverRequest): Uint8Array {
  return encodeJson(readRequest(request, ''));
}

/** Reads a reply of the api; unknown fields are ignored. Errors: Refused. */
export function parseRecoverReply(input: unknown): RecoverReply | ApiError {
  return readReply(input, readRecoverReply);
}

export function encodeRecoverReply(reply: RecoverReply): Uint8Array {
  return encodeJson(readRecoverReply(reply, ''));
}
