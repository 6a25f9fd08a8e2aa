import {
  type ApiError,
  type ApplyPartReply,
  applyFields,
  MAX_LIST,
  type Near,
  readApplyPartReply,
  readNear,
  readReply,
} from './api.ts';
import type { AnyCode } from './codes.ts';
import { open } from './envelope.ts';
import { readHost } from './host.ts';
import { readName } from './intent.ts';
import { encodeJson } from './json.ts';
import { MAX_LACKS } from './listings.ts';
import {
  list,
  nullable,
  object,
  oneOf,
  optional,
  type Reader,
  readBoolean,
  readCode,
  readCount,
  readKey,
  readWord,
  requireObject,
} from './read.ts';
import { Refused } from './refused.ts';
import { readSet, readSetOutcome, type SetOutcome } from './sets.ts';
import { PRECEDENCE, type Precedence } from './shape.ts';

/** An upload as `apply` has it, of which nothing is committed. `delete` counts in the last part: names to go. */
export interface PlanRequest {
  readonly v: 1;
  readonly upload: string;
  readonly part: number;
  readonly parts: number;
  readonly specs: readonly unknown[];
  readonly delete?: readonly string[];
  /** In the last part: the set that they would be put into. A controller of an older release refuses it. */
  readonly set?: string;
}

/** What a host cannot hold: more redirects than it has slots, or more shapes of a family than it looks up. */
export type PlanOver = 'redirects' | 'shapes4' | 'shapes6';

/**
 * A host that the request concerns, and how it would be afterwards. `seen` false: it never reported, and then its limits
 * are not known. `shapesMax` is for each family.
 */
export interface PlanHost {
  readonly host: string;
  readonly seen: boolean;
  readonly added: number;
  readonly changed: number;
  readonly deleted: number;
  readonly shadowed: number;
  readonly overlaps: number;
  readonly redirects: number;
  readonly redirectsMax: number | null;
  readonly shapes4: number;
  readonly shapes6: number;
  readonly shapesMax: number | null;
  readonly over: readonly PlanOver[];
}

/** On which hosts something is so: the first of them, and how many in all. */
interface Spread {
  readonly hosts: readonly string[];
  readonly hostsTotal: number;
}

/** A key that would come, say something else, or go. `was` is the redirect that had the key, where it is another one. */
export interface PlanChange extends Spread {
  readonly op: 'add' | 'change' | 'delete';
  readonly name: string;
  readonly key: string;
  readonly was?: string;
}

/** A redirect whose key another one has. */
export interface PlanShadow extends Spread {
  readonly name: string;
  readonly by: string;
  readonly key: string;
}

/** A redirect that is not sent to hosts that it is for, and why: `lacks` names what their agents do not say that they can. */
export interface PlanNotSent extends Spread {
  readonly name: string;
  readonly code: AnyCode;
  readonly lacks: readonly string[];
}

/** Two redirects that a packet can match both: where it does, `winner` has it. `decided` says by what. */
export interface PlanOverlap extends Spread {
  readonly winner: string;
  readonly winnerKey: string;
  readonly loser: string;
  readonly loserKey: string;
  readonly decided: Precedence;
}

/**
 * What an apply and a delete of the same would do. Specs are counted once; the totals of `changes`, `shadowed` and
 * `overlaps` count each host, and the lists have the first of them.
 */
export interface PlanReply {
  readonly v: 1;
  readonly upload: string;
  readonly created: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly deleted: number;
  /** Names that were to go and are not there. */
  readonly absent: readonly string[];
  readonly absentTotal: number;
  /** What some of the first absent ones probably meant. */
  readonly near?: readonly Near[];
  readonly hosts: readonly PlanHost[];
  readonly hostsTotal: number;
  readonly changes: readonly PlanChange[];
  readonly changesTotal: number;
  readonly shadowed: readonly PlanShadow[];
  readonly shadowedTotal: number;
  readonly overlaps: readonly PlanOverlap[];
  readonly overlapsTotal: number;
  /** Redirects whose selector finds no host that ever reported. */
  readonly unmatched: readonly string[];
  readonly unmatchedTotal: number;
  /** Hosts that a selector lists and that never reported. */
  readonly unheard: readonly string[];
  readonly unheardTotal: number;
  /** Where a set was named. */
  readonly set?: SetOutcome;
  /** Absent where all is sent. */
  readonly notSent?: readonly PlanNotSent[];
  readonly notSentTotal?: number;
  /** So many pages have what is in the lists and had no room; absent where there is none. */
  readonly pages?: number;
}

/** The lists of a plan, any of which may go on in its pages. */
export type PlanLists = Required<
  Pick<PlanReply, 'absent' | 'hosts' | 'changes' | 'shadowed' | 'overlaps' | 'unmatched' | 'unheard' | 'notSent'>
>;

/** The most hosts that one line names; `hostsTotal` counts all. */
export const MAX_NAMED_HOSTS = 5;

const readPlanFields = object<PlanRequest>({
  ...applyFields,
  delete: optional(list(readName, MAX_LIST)),
  set: optional(readSet),
});

const readPlan: Reader<PlanRequest> = (value, path) => {
  const request = readPlanFields(value, path);
  if (request.part < request.parts) return request;
  throw new Refused('BAD_FIELD', 'part', `part ${request.part} of ${request.parts}: parts are counted from 0`);
};

const readPlanHost = object<PlanHost>(
  {
    host: readHost,
    seen: readBoolean,
    added: readCount,
    changed: readCount,
    deleted: readCount,
    shadowed: readCount,
    overlaps: readCount,
    redirects: readCount,
    redirectsMax: nullable(readCount),
    shapes4: readCount,
    shapes6: readCount,
    shapesMax: nullable(readCount),
    over: list(oneOf('redirects', 'shapes4', 'shapes6'), 3),
  },
  'ignored',
);

const spread = { hosts: list(readHost, MAX_NAMED_HOSTS), hostsTotal: readCount };

const readChange = object<PlanChange>(
  { op: oneOf('add', 'change', 'delete'), name: readName, key: readKey, was: optional(readName), ...spread },
  'ignored',
);
const readShadow = object<PlanShadow>({ name: readName, by: readName, key: readKey, ...spread }, 'ignored');
const readOverlap = object<PlanOverlap>(
  {
    winner: readName,
    winnerKey: readKey,
    loser: readName,
    loserKey: readKey,
    decided: oneOf(...PRECEDENCE),
    ...spread,
  },
  'ignored',
);

const readNotSent = object<PlanNotSent>(
  { name: readName, code: readCode, lacks: list(readWord, MAX_LACKS), ...spread },
  'ignored',
);

/** One line of each list. */
export const planLists = {
  absent: readName,
  hosts: readPlanHost,
  changes: readChange,
  shadowed: readShadow,
  overlaps: readOverlap,
  unmatched: readName,
  unheard: readHost,
  notSent: readNotSent,
};

const readLastReply = object<PlanReply>(
  {
    v: applyFields.v,
    upload: applyFields.upload,
    created: readCount,
    changed: readCount,
    unchanged: readCount,
    deleted: readCount,
    absent: list(planLists.absent, MAX_LIST),
    absentTotal: readCount,
    hosts: list(planLists.hosts, MAX_LIST),
    hostsTotal: readCount,
    changes: list(planLists.changes, MAX_LIST),
    changesTotal: readCount,
    shadowed: list(planLists.shadowed, MAX_LIST),
    shadowedTotal: readCount,
    overlaps: list(planLists.overlaps, MAX_LIST),
    overlapsTotal: readCount,
    unmatched: list(planLists.unmatched, MAX_LIST),
    unmatchedTotal: readCount,
    unheard: list(planLists.unheard, MAX_LIST),
    unheardTotal: readCount,
    notSent: optional(list(planLists.notSent, MAX_LIST)),
    notSentTotal: optional(readCount),
    set: optional(readSetOutcome),
    near: optional(readNear),
    pages: optional(readCount),
  },
  'ignored',
);

const readPlanReply: Reader<PlanReply | ApplyPartReply> = (value, path) => {
  return requireObject(value, path).part === undefined ? readLastReply(value, path) : readApplyPartReply(value, path);
};

/** Reads a request for a plan. Errors: Refused. */
export function parsePlanRequest(input: unknown): PlanRequest {
  return readPlan(open(input), '');
}

export function encodePlanRequest(request: PlanRequest): Uint8Array {
  return encodeJson(readPlan(request, ''));
}

/** Reads the answer to a part of it; unknown fields are ignored. Errors: Refused. */
export function parsePlanReply(input: unknown): PlanReply | ApplyPartReply | ApiError {
  return readReply(input, readPlanReply);
}

export function encodePlanReply(reply: PlanReply | ApplyPartReply): Uint8Array {
  return encodeJson(readPlanReply(reply, ''));
}
