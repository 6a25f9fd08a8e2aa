import { readChangeId } from './change-id.ts';
import type { AnyCode } from './codes.ts';
import { readShare, type Share } from './gate.ts';
import { readHost } from './host.ts';
import { readName } from './intent.ts';
import { type Origin, originFields } from './origin.ts';
import {
  integer,
  object,
  oneOf,
  optional,
  pattern,
  prose,
  type Reader,
  readCode,
  readCount,
  readTime,
  readTrue,
} from './read.ts';

/** The id of a rollout; it may be given as far as no other one begins with the same. */
export const readRolloutId: Reader<string> = readChangeId;

/** A rollout that is paused keeps its step. */
export const ROLLOUT_STATES = Object.freeze(['RUNNING', 'PAUSED', 'ROLLING_BACK', 'DONE', 'ROLLED_BACK'] as const);
export type RolloutState = (typeof ROLLOUT_STATES)[number];

export const ROLLOUT_STEPS = Object.freeze(['PUBLISH', 'CONVERGE', 'SOAK', 'PROMOTE'] as const);
export type RolloutStep = (typeof ROLLOUT_STEPS)[number];

/** What is stored of a host; how far it is follows from its statuses. */
export const ROLLOUT_HOST_STATES = Object.freeze([
  'planned',
  'deferred',
  'published',
  'withdrawn',
  'excluded',
  'left',
] as const);
export type RolloutHostState = (typeof ROLLOUT_HOST_STATES)[number];

/** Nothing moves it any more, and it holds no name and no key. */
export function isEnded(state: RolloutState): state is 'DONE' | 'ROLLED_BACK' {
  return state === 'DONE' || state === 'ROLLED_BACK';
}

/**
 * Why a rollout stands still, or goes or went back. `gate`, `host` and what was seen are named where one of them decided; `actor` and
 * `reason` where a person did.
 */
export interface Cause {
  readonly code: AnyCode;
  readonly at: number;
  readonly gate?: string;
  readonly host?: string;
  /** A redirect of it. */
  readonly name?: string;
  readonly wave?: Share;
  readonly control?: Share;
  readonly actor?: string;
  readonly reason?: string;
  readonly detail?: string;
}

/** A rollout in one line. `moved` is when its version was last raised; `published` counts hosts that have the change now. */
export interface RolloutHead extends Origin {
  readonly id: string;
  readonly state: RolloutState;
  /** While it runs, and while it is paused. */
  readonly step?: RolloutStep;
  /** From 1, as long as no wave was begun too; the tail, if there is one, is counted. */
  readonly wave: number;
  readonly waves: number;
  readonly version: number;
  readonly made: number;
  readonly moved: number;
  readonly ended?: number;
  readonly redirects: number;
  readonly hosts: number;
  readonly published: number;
  readonly cause?: Cause;
  /** The rollout that this one undoes. */
  readonly of?: string;
  /** One wave and no soak. */
  readonly now?: true;
}

/** A gate as it was written, such as `losses<=0.1%`; a newer controller may have others. */
export const readGateText: Reader<string> = pattern(
  /^[a-z][a-z-]{0,31}((>=|<=)[0-9]{1,15}(\.[0-9]{1,6})?%?)?$/,
  'a gate such as hits>=100, losses<=0.1% or external',
);

/** So many hosts, or such a share of them. */
export const readSome: Reader<string> = pattern(
  /^([0-9]{1,6}|(100|[0-9]{1,2})%)$/,
  'a number of hosts such as 3, or a share of them such as 10%',
);
export const readWave: Reader<string> = pattern(
  /^([1-9][0-9]{0,5}|(100|[1-9][0-9]?)%)$/,
  'a number of hosts from 1, or a share of them from 1% to 100%',
);

const readCause = object<Cause>(
  {
    code: readCode,
    at: readTime,
    gate: optional(readGateText),
    host: optional(readHost),
    name: optional(readName),
    wave: optional(readShare),
    control: optional(readShare),
    actor: originFields.actor,
    reason: originFields.reason,
    detail: optional(prose(512)),
  },
  'ignored',
);

export const readRolloutHead = object<RolloutHead>(
  {
    id: readRolloutId,
    state: oneOf(...ROLLOUT_STATES),
    step: optional(oneOf(...ROLLOUT_STEPS)),
    wave: integer(1),
    waves: integer(1),
    version: readCount,
    made: readTime,
    moved: readTime,
    ended: optional(readTime),
    ...originFields,
    redirects: readCount,
    hosts: readCount,
    published: readCount,
    cause: optional(readCause),
    of: optional(readRolloutId),
    now: optional(readTrue),
  },
  'ignored',
);
