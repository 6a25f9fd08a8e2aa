import { type ApiError, MAX_LIST, type Near, readNear, readReply } from './api.ts';
import { readLimit, readPlace } from './ask.ts';
import type { AnyCode } from './codes.ts';
import { readEpochOrNone } from './cursor.ts';
import { readDamage, type SpecsDamage } from './damage.ts';
import { type Deleting, readDeleting } from './deleting.ts';
import { open, readVersion } from './envelope.ts';
import { type Labels, readHost, readLabels, readSomeLabels } from './host.ts';
import { readName } from './intent.ts';
import { encodeJson, type JsonObject } from './json.ts';
import { type HostTrouble, type Live, readLive, readTroubles } from './live.ts';
import { readStanding, type Standing } from './page.ts';
import {
  list,
  nullable,
  object,
  optional,
  prose,
  type Reader,
  readCode,
  readCount,
  readRev,
  readTime,
  readTrue,
  readWord,
  requireObject,
} from './read.ts';
import { Refused } from './refused.ts';
import { readSet } from './sets.ts';
import type { Fault } from './spec.ts';
import { type ProgramName, readProgram } from './status.ts';
import { type RedirectRate, readRedirectRate } from './top.ts';

export interface GetRequest {
  readonly v: 1;
  readonly name?: string;
  readonly after?: string;
  readonly limit?: number;
  /** With a name: the rest of an item that was cut, as its `rest` said. */
  readonly rest?: Rest;
  /** No more than the first MAX_TOLD of each list of hosts: what people look at. A controller of an older release refuses it. */
  readonly brief?: true;
  /** Only those of this set, and with exactly these labels for a selector. A controller of an older release refuses them. */
  readonly set?: string;
  readonly labels?: Labels;
}

/** Where the lists of an item go on, each after a host, and the hosts that its spec lists at an index; absent: they are at their end. */
export interface Rest {
  readonly selector?: number;
  readonly hosts?: string;
  readonly shadowed?: string;
  readonly notSent?: string;
}

/**
 * A spec (as `specToJson` writes it), the hosts on which it wins, and those where `by` has the same key and wins; of
 * either the first ones, MAX_ITEM_HOSTS at most, and the totals count all. A spec that lists more hosts than there is
 * room for comes with none. What answers a `rest` goes on with the lists, and of the spec has the name alone.
 */
export interface GetItem {
  readonly spec: JsonObject;
  readonly hosts: readonly string[];
  readonly hostsTotal: number;
  readonly shadowed: readonly { readonly host: string; readonly by: string }[];
  readonly shadowedTotal: number;
  readonly rev: number;
  /** Hosts that it is for and is not sent to; absent where there are none. */
  readonly notSent?: readonly NotSent[];
  readonly notSentTotal?: number;
  /** Hosts that the spec lists, where it came with none. */
  readonly selector?: readonly string[];
  /** Absent where nothing was cut. */
  readonly rest?: Rest;
  /** Why an apply of it would be refused: an earlier release took it. */
  readonly refused?: Fault;
  /** How it stands, by what hosts said last; absent of a controller of an older release, and in what answers a `rest`. */
  readonly live?: Live;
  /** Since when some host is to have it as it is, in ms since 1970; absent where none is. */
  readonly since?: number;
  /** How fast packets meet it, as far as that is known; absent where nothing is, and of a controller of an older release. */
  readonly rate?: RedirectRate;
  /** The set that it is in; absent where it is in none, and of a controller of an older release. */
  readonly set?: string;
}

/** A host that is not sent a redirect, and why: `lacks` names what its agent does not say that it can. */
export interface NotSent {
  readonly host: string;
  readonly code: AnyCode;
  readonly lacks: readonly string[];
}

export interface GetReply {
  readonly v: 1;
  readonly items: readonly GetItem[];
  readonly next: string | null;
  /** The controller's time of the answer; one of an older release does not say. */
  readonly at?: number;
  /** What was probably meant, where there is none of the name that was asked for. */
  readonly near?: readonly Near[];
  /** With the first page, or of the name that was asked for: the first MAX_DELETING that are being deleted; the total counts all. */
  readonly deleting?: readonly Deleting[];
  readonly deletingTotal?: number;
}

export interface HostsRequest {
  readonly v: 1;
  readonly after?: string;
  readonly limit?: number;
}

/** What the controller knows of a host: its log's `head`, and the rest as the host last said; `seenAt` null: never. */
export interface HostItem {
  readonly host: string;
  readonly labels: Labels;
  readonly seenAt: number | null;
  readonly epoch: string;
  readonly head: number;
  readonly stored: number;
  readonly applied: number;
  readonly verified: number;
  readonly desired: number;
  readonly installed: number;
  readonly exceptions: number;
  readonly standing: Standing;
  /** As in its status: what a person has to know of it. */
  readonly problem?: AnyCode;
  /** The release of its agent, and the program in force. */
  readonly agent?: string;
  readonly program?: ProgramName;
  readonly bypass?: true;
  readonly ended?: true;
  /** How many interfaces its redirected packets do not get past. */
  readonly undelivered?: number;
  /** How many of its redirects were given up in silence. */
  readonly idle?: number;
  /** How many of its redirects have packets that are passed and not sent. */
  readonly passed?: number;
  /** How many redirects are for it and not sent to it, and why; absent where there are none. */
  readonly notSent?: { readonly code: AnyCode; readonly redirects: number };
  /** Which of its redirects are not as they should be, by its last status, the worst first; absent where none is known to be. */
  readonly troubles?: readonly HostTrouble[];
}

export interface HostsReply {
  readonly v: 1;
  readonly items: readonly HostItem[];
  readonly next: string | null;
  /** The controller's time of the answer; one of an older release does not say. */
  readonly at?: number;
  /** Absent when all is well. */
  readonly damage?: SpecsDamage;
}

/** The most hosts that one item of a `get` names at first; what answers a `rest` may name MAX_LIST. */
export const MAX_ITEM_HOSTS = 500;
/** The most words of what an agent cannot do that are read of one redirect. */
export const MAX_LACKS = 64;

const paging = { after: optional(readPlace), limit: optional(readLimit) };
const restFields = {
  selector: optional(readCount),
  hosts: optional(readPlace),
  shadowed: optional(readPlace),
  notSent: optional(readPlace),
};
const readGetFields = object<GetRequest>({
  v: readVersion,
  name: optional(readName),
  ...paging,
  rest: optional(object<Rest>(restFields)),
  brief: optional(readTrue),
  set: optional(readSet),
  labels: optional(readSomeLabels),
});
const readGet: Reader<GetRequest> = (value, path) => {
  const request = readGetFields(value, path);
  if (request.rest === undefined || request.name !== undefined) return request;
  throw new Refused('MISSING_FIELD', 'name', 'is required with rest: it is that of one redirect');
};
const readNotSent = object<NotSent>({ host: readHost, code: readCode, lacks: list(readWord, MAX_LACKS) }, 'ignored');
const readFault = object<Fault>({ code: readCode, path: prose(256), message: prose(512) }, 'ignored');
const readGetItem = object<GetItem>(
  {
    spec: requireObject,
    hosts: list(readHost, MAX_LIST),
    hostsTotal: readCount,
    shadowed: list(object<GetItem['shadowed'][number]>({ host: readHost, by: readName }, 'ignored'), MAX_LIST),
    shadowedTotal: readCount,
    rev: readRev,
    notSent: optional(list(readNotSent, MAX_LIST)),
    notSentTotal: optional(readCount),
    selector: optional(list(readHost, MAX_LIST)),
    rest: optional(object<Rest>(restFields, 'ignored')),
    refused: optional(readFault),
    live: optional(readLive),
    since: optional(readTime),
    rate: optional(readRedirectRate),
    set: optional(readSet),
  },
  'ignored',
);
const readGetReply = object<GetReply>(
  {
    v: readVersion,
    items: list(readGetItem, MAX_LIST),
    next: nullable(readPlace),
    at: optional(readTime),
    near: optional(readNear),
    deleting: optional(readDeleting),
    deletingTotal: optional(readCount),
  },
  'ignored',
);

const readHosts = object<HostsRequest>({ v: readVersion, ...paging });
const readHostItem = object<HostItem>(
  {
    host: readHost,
    labels: readLabels,
    seenAt: nullable(readTime),
    epoch: readEpochOrNone,
    head: readRev,
    stored: readRev,
    applied: readRev,
    verified: readRev,
    desired: readCount,
    installed: readCount,
    exceptions: readCount,
    standing: readStanding,
    problem: optional(readCode),
    agent: optional(readWord),
    program: optional(readProgram),
    bypass: optional(readTrue),
    ended: optional(readTrue),
    undelivered: optional(readCount),
    idle: optional(readCount),
    passed: optional(readCount),
    notSent: optional(object<NonNullable<HostItem['notSent']>>({ code: readCode, redirects: readCount }, 'ignored')),
    troubles: optional(readTroubles),
  },
  'ignored',
);
const readHostsReply = object<HostsReply>(
  {
    v: readVersion,
    items: list(readHostItem, MAX_LIST),
    next: nullable(readPlace),
    at: optional(readTime),
    damage: optional(readDamage),
  },
  'ignored',
);

/** Reads a request for a listing. Errors: Refused. */
export function parseGetRequest(input: unknown): GetRequest {
  return readGet(open(input), '');
}

export function parseHostsRequest(input: unknown): HostsRequest {
  return readHosts(open(input), '');
}

export function encodeGetRequest(request: GetRequest): Uint8Array {
  return encodeJson(readGet(request, ''));
}

export function encodeHostsRequest(request: HostsRequest): Uint8Array {
  return encodeJson(readHosts(request, ''));
}

/** Reads a listing; unknown fields are ignored. Errors: Refused. */
export function parseGetReply(input: unknown): GetReply | ApiError {
  return readReply(input, readGetReply);
}

export function parseHostsReply(input: unknown): HostsReply | ApiError {
  return readReply(input, readHostsReply);
}

export function encodeGetReply(reply: GetReply): Uint8Array {
  return encodeJson(readGetReply(reply, ''));
}

export function encodeHostsReply(reply: HostsReply): Uint8Array {
  return encodeJson(readHostsReply(reply, ''));
}
