import { type ApiError, MAX_LIST, readReply } from './api.ts';
import { readLimit, readPlace } from './ask.ts';
import { readChangeId } from './change-id.ts';
import { open, readVersion } from './envelope.ts';
import { type Confirm, readConfirm, readName } from './intent.ts';
import { encodeJson } from './json.ts';
import { type Origin, originFields } from './origin.ts';
import { list, nullable, object, oneOf, optional, readCount, readKey, readTime, readWord } from './read.ts';
import { readRolloutId } from './rollout.ts';

/** The changes of one redirect, or of all; the newest first. */
export interface HistoryRequest {
  readonly v: 1;
  readonly name?: string;
  readonly after?: string;
  readonly limit?: number;
}

/** What a change did to a redirect. */
export const DEEDS = Object.freeze(['created', 'changed', 'deleted'] as const);
export type What = (typeof DEEDS)[number];

/** A change. Of one redirect: what it did to it, and which key it had then; of all: how many it did something to. */
export interface HistoryItem extends Origin {
  readonly change: string;
  readonly verb: string;
  readonly made: number;
  /** Its hosts were to have it confirmed, or to take it back. */
  readonly confirm?: Confirm;
  /** How many hosts got something of it. */
  readonly hosts: number;
  readonly redirects: number;
  /** The rollout that it is a step of. */
  readonly rollout?: string;
  readonly what?: What;
  readonly key?: string;
}

export interface HistoryReply {
  readonly v: 1;
  readonly items: readonly HistoryItem[];
  readonly next: string | null;
}

const readRequest = object<HistoryRequest>({
  v: readVersion,
  name: optional(readName),
  after: optional(readPlace),
  limit: optional(readLimit),
});

const readItem = object<HistoryItem>(
  {
    change: readChangeId,
    verb: readWord,
    made: readTime,
    ...originFields,
    confirm: optional(readConfirm),
    hosts: readCount,
    redirects: readCount,
    rollout: optional(readRolloutId),
    what: optional(oneOf(...DEEDS)),
    key: optional(readKey),
  },
  'ignored',
);

const readHistoryReply = object<HistoryReply>(
  { v: readVersion, items: list(readItem, MAX_LIST), next: nullable(readPlace) },
  'ignored',
);

/** Errors: Refused. */
export function parseHistoryRequest(input: unknown): HistoryRequest {
  return readRequest(open(input), '');
}

export function encodeHistoryRequest(request: HistoryRequest): Uint8Array {
  return encodeJson(readRequest(request, ''));
}

/** Unknown fields are ignored. Errors: Refused. */
export function parseHistoryReply(input: unknown): HistoryReply | ApiError {
  return readReply(input, readHistoryReply);
}

export function encodeHistoryReply(reply: HistoryReply): Uint8Array {
  return encodeJson(readHistoryReply(reply, ''));
}
