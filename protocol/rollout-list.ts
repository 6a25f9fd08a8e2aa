import { type ApiError, MAX_LIST, readReply } from './api.ts';
import { readLimit, readPlace } from './ask.ts';
import { open, readVersion } from './envelope.ts';
import { encodeJson } from './json.ts';
import { list, nullable, object, optional, readTime, readTrue } from './read.ts';
import { type RolloutHead, readRolloutHead } from './rollout.ts';

/** Rollouts, those that have not ended first, then the newest; `active`: only those that have not ended. */
export interface RolloutListRequest {
  readonly v: 1;
  readonly active?: true;
  readonly after?: string;
  readonly limit?: number;
}

export interface RolloutListReply {
  readonly v: 1;
  readonly items: readonly RolloutHead[];
  readonly next: string | null;
  /** The controller's time of the answer. */
  readonly at: number;
}

const readRequest = object<RolloutListRequest>({
  v: readVersion,
  active: optional(readTrue),
  after: optional(readPlace),
  limit: optional(readLimit),
});
const readListReply = object<RolloutListReply>(
  { v: readVersion, items: list(readRolloutHead, MAX_LIST), next: nullable(readPlace), at: readTime },
  'ignored',
);

/** Errors: Refused. */
export function parseRolloutListRequest(input: unknown): RolloutListRequest {
  return readRequest(open(input), '');
}

export function encodeRolloutListRequest(request: RolloutListRequest): Uint8Array {
  return encodeJson(readRequest(request, ''));
}

/** Unknown fields are ignored. Errors: Refused. */
export function parseRolloutListReply(input: unknown): RolloutListReply | ApiError {
  return readReply(input, readListReply);
}

export function encodeRolloutListReply(reply: RolloutListReply): Uint8Array {
  return encodeJson(readListReply(reply, ''));
}
