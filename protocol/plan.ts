import {
  type ApiError,
  type ApplyPartReply,
  applyFields,
  MAX_LIST,
  type Near,
  orPartReply,
  readNear,
  readReply,
  requirePart,
} from './api.ts';
import { MAX_LOOPS, type PlanLoop, readLoop } from './effects.ts';
import { open } from './envelope.ts';
import { readName } from './intent.ts';
import { encodeJson } from './json.ts';
import {
  type PlanChange,
  type PlanCollateral,
  type PlanDenied,
  type PlanHost,
  type PlanNotSent,
  type PlanOverlap,
  type PlanShadow,
  planLists,
} from './plan-lines.ts';
import { list, object, optional, type Reader, readCount, readDigest } from './read.ts';
import { readSet, readSetOutcome, type SetOutcome } from './sets.ts';

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
  /** Absent where there is none. */
  readonly collateral?: readonly PlanCollateral[];
  readonly collateralTotal?: number;
  /** Absent where no guard denies anything. */
  readonly denied?: readonly PlanDenied[];
  readonly deniedTotal?: number;
  /** An apply is refused for any of them; absent where there is none. */
  readonly loops?: readonly PlanLoop[];
  /** What all of this relies on: an apply that repeats it is refused once anything of it moved. */
  readonly basis?: string;
  /** The number of the newest change that was made by then. */
  readonly newest?: number;
  /** So many pages have what is in the lists and had no room; absent where there is none. */
  readonly pages?: number;
}

/** A plan with all that its pages have. */
export type Planned = Omit<PlanReply, 'v' | 'upload' | 'pages'>;

/** The lists of a plan, any of which may go on in its pages. */
export type PlanLists = Required<
  Pick<
    PlanReply,
    | 'absent'
    | 'hosts'
    | 'changes'
    | 'shadowed'
    | 'overlaps'
    | 'unmatched'
    | 'unheard'
    | 'notSent'
    | 'collateral'
    | 'denied'
  >
>;

const readPlanFields = object<PlanRequest>({
  ...applyFields,
  delete: optional(list(readName, MAX_LIST)),
  set: optional(readSet),
});

const readPlan: Reader<PlanRequest> = (value, path) => requirePart(readPlanFields(value, path));

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
    collateral: optional(list(planLists.collateral, MAX_LIST)),
    collateralTotal: optional(readCount),
    denied: optional(list(planLists.denied, MAX_LIST)),
    deniedTotal: optional(readCount),
    loops: optional(list(readLoop, MAX_LOOPS)),
    basis: optional(readDigest),
    newest: optional(readCount),
    set: optional(readSetOutcome),
    near: optional(readNear),
    pages: optional(readCount),
  },
  'ignored',
);

const readPlanReply = orPartReply(readLastReply);

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
