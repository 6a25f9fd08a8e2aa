import { type ApiError, MAX_LIST, readReply } from './api.ts';
import { readLimit, readPlace } from './ask.ts';
import { readChangeId } from './change-id.ts';
import type { AnyCode } from './codes.ts';
import { open, readVersion } from './envelope.ts';
import { readHost } from './host.ts';
import { type Confirm, readConfirm, readName } from './intent.ts';
import { encodeJson } from './json.ts';
import { type AnyLiveState, readLiveState } from './live.ts';
import { type Origin, originFields } from './origin.ts';
import { list, nullable, object, oneOf, optional, readCode, readCount, readRev, readTime, readWord } from './read.ts';

/** How far hosts are to be, as in their statuses. */
export const LEVELS = Object.freeze(['stored', 'applied', 'verified'] as const);
export type Level = (typeof LEVELS)[number];

export const readLevel = oneOf(...LEVELS);

/** The most redirects that are asked for beside a change. */
export const MAX_ALSO = 1000;

/**
 * `id` is that of a change, or how no other one begins. `after` and `limit` page the hosts that are not done. `also` names
 * redirects that are asked for as they are now, whatever change made them so.
 */
export interface ChangeRequest {
  readonly v: 1;
  readonly id: string;
  readonly level?: Level;
  readonly also?: readonly string[];
  readonly after?: string;
  readonly limit?: number;
}

/**
 * What has become of a change on a host that is not done with it. `failed`: it is there, and what it put does not stand, or
 * the host holds what it has. `stale`: the host speaks, and is not there yet. `unreachable`: it is silent, ended, or was
 * never heard.
 */
export type Undone = 'failed' | 'stale' | 'unreachable';

/** A host that is not done. `rev` is its own that the change asks for, `at` how far it is by its own last word. */
export interface UndoneHost {
  readonly host: string;
  readonly is: Undone;
  readonly rev: number;
  readonly at: number;
  /** When it was heard last; null: never. */
  readonly seenAt: number | null;
  /** How the change stands there, in the words of a `get`, why, and which of its redirects, where that is known. */
  readonly state: AnyLiveState;
  readonly code?: AnyCode;
  readonly name?: string;
  /** Of one that is there and not confirmed yet: when it is taken back. */
  readonly leftMs?: number;
}

/** What has become of a change. Of its hosts, `joined` came after it was made; they are counted as all others are. */
export interface ChangeReply extends Origin {
  readonly v: 1;
  readonly change: string;
  readonly verb: string;
  readonly made: number;
  readonly level: Level;
  /** It is to be confirmed on each of its hosts, or is taken back there: a host is done when it is. */
  readonly confirm?: Confirm;
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly stale: number;
  readonly unreachable: number;
  readonly joined?: number;
  /** Redirects of it that are for no host that ever reported. */
  readonly unmatched?: number;
  /** A page of the hosts that are not done. */
  readonly items: readonly UndoneHost[];
  readonly next: string | null;
}

/** Whether every host is done, and there is one where there has to be. */
export function isDone({ total, done, unmatched = 0 }: Pick<ChangeReply, 'total' | 'done' | 'unmatched'>): boolean {
  return done === total && unmatched === 0;
}

const readRequest = object<ChangeRequest>({
  v: readVersion,
  id: readChangeId,
  level: optional(readLevel),
  also: optional(list(readName, MAX_ALSO)),
  after: optional(readPlace),
  limit: optional(readLimit),
});

const readUndone = object<UndoneHost>(
  {
    host: readHost,
    is: oneOf('failed', 'stale', 'unreachable'),
    rev: readRev,
    at: readRev,
    seenAt: nullable(readTime),
    state: readLiveState,
    code: optional(readCode),
    name: optional(readName),
    leftMs: optional(readCount),
  },
  'ignored',
);

const readChangeReply = object<ChangeReply>(
  {
    v: readVersion,
    change: readChangeId,
    verb: readWord,
    made: readTime,
    ...originFields,
    level: readLevel,
    confirm: optional(readConfirm),
    total: readCount,
    done: readCount,
    failed: readCount,
    stale: readCount,
    unreachable: readCount,
    joined: optional(readCount),
    unmatched: optional(readCount),
    items: list(readUndone, MAX_LIST),
    next: nullable(readPlace),
  },
  'ignored',
);

/** Errors: Refused. */
export function parseChangeRequest(input: unknown): ChangeRequest {
  return readRequest(open(input), '');
}

export function encodeChangeRequest(request: ChangeRequest): Uint8Array {
  return encodeJson(readRequest(request, ''));
}

/** Unknown fields are ignored. Errors: Refused. */
export function parseChangeReply(input: unknown): ChangeReply | ApiError {
  return readReply(input, readChangeReply);
}

export function encodeChangeReply(reply: ChangeReply): Uint8Array {
  return encodeJson(readChangeReply(reply, ''));
}
