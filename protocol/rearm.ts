import type { AskError } from './ask.ts';
import type { AnyCode } from './codes.ts';
import { open, readHostError, readVersion } from './envelope.ts';
import { readHost } from './host.ts';
import { readName } from './intent.ts';
import { encodeJson } from './json.ts';
import { list, object, optional, readCode } from './read.ts';
import { type IntentState, readState } from './status.ts';

/** Redirects that were given up in silence and shall stand again, by name. */
export interface RearmRequest {
  readonly v: 1;
  readonly names: readonly string[];
}

/** How each of them stands now; one that was not idle stands as it did. `absent`: this host has none of that name. */
export interface RearmReply {
  readonly v: 1;
  readonly host: string;
  readonly items: readonly Rearmed[];
  readonly absent: readonly string[];
}

/** `was` is how it stood before. */
export interface Rearmed {
  readonly name: string;
  readonly was: IntentState;
  readonly state: IntentState;
  readonly code?: AnyCode;
}

/** The most names of one request, so that the answer fits any bus. */
export const MAX_REARMED = 20;

const readNames = list(readName, MAX_REARMED);
const readRequest = object<RearmRequest>({ v: readVersion, names: readNames });
const readRearmed = object<Rearmed>(
  { name: readName, was: readState, state: readState, code: optional(readCode) },
  'ignored',
);
const readReply = object<RearmReply>(
  { v: readVersion, host: readHost, items: list(readRearmed, MAX_REARMED), absent: readNames },
  'ignored',
);

/** Errors: Refused. */
export function parseRearmRequest(input: unknown): RearmRequest {
  return readRequest(open(input), '');
}

export function encodeRearmRequest(request: RearmRequest): Uint8Array {
  return encodeJson(readRequest(request, ''));
}

/** Reads the answer to `rearm`; with `host`, only that host's. Unknown fields are ignored. Errors: Refused. */
export function parseRearmReply(input: unknown, host?: string): RearmReply | AskError {
  const value = open(input, host);
  return value.error === undefined ? readReply(value, '') : readHostError(value, '');
}

export function encodeRearmReply(reply: RearmReply): Uint8Array {
  return encodeJson(readReply(reply, ''));
}
