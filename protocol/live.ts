import type { AnyCode } from './codes.ts';
import { readHost } from './host.ts';
import { readName } from './intent.ts';
import { list, object, optional, pattern, type Reader, readCode, readCount } from './read.ts';

/** How a redirect may stand on a host that it is for, the worst first: of several, the first is what a person has to know. */
export const LIVE_STATES = Object.freeze([
  'failed',
  'blocked',
  'denied',
  'undelivered',
  'bypass',
  'unattached',
  'held',
  'silent',
  'ended',
  'unheard',
  'unknown',
  'pending',
  'unsent',
  'unconfirmed',
  'passed',
  'shadowed',
  'expired',
  'idle',
  'installed',
] as const);
export type LiveState = (typeof LIVE_STATES)[number];
/** A state as received: a newer controller may have more. */
export type AnyLiveState = LiveState | (string & {});

/** Whether the redirect is in force there; of one whose packets are passed, those that can be sent are, and one that is not confirmed yet is for now. */
export function isInForce({ state }: { readonly state: AnyLiveState }): boolean {
  return state === 'installed' || state === 'passed' || state === 'unconfirmed';
}

/** Hosts on which a redirect stands alike. */
export interface LiveGroup {
  readonly state: AnyLiveState;
  /** Why. */
  readonly code?: AnyCode;
  /** Of one that is shadowed: who has its match there. */
  readonly by?: string;
  /** Of one that is not confirmed yet: when the first of these hosts takes it back. */
  readonly leftMs?: number;
  readonly total: number;
  /** The first of them, MAX_TOLD at most. */
  readonly hosts: readonly string[];
}

/** A redirect over the fleet: on how many hosts it is in force, of how many that it is for, and all of these by how it stands. */
export interface Live {
  readonly hosts: number;
  readonly total: number;
  /** The worst first. */
  readonly states: readonly LiveGroup[];
}

/** Redirects of one host that are not as they should be, and alike. */
export interface HostTrouble {
  readonly state: AnyLiveState;
  readonly code?: AnyCode;
  /** Of those that are not confirmed yet: when the first is taken back. */
  readonly leftMs?: number;
  readonly total: number;
  /** The first of them, MAX_TOLD at most; fewer where the host did not name them. */
  readonly redirects: readonly string[];
}

/** The most hosts, or redirects, that are named of those that stand alike. */
export const MAX_TOLD = 8;
/** The most groups of an item. */
export const MAX_GROUPS = 64;

export const readLiveState: Reader<AnyLiveState> = pattern(/^[a-z][a-z-]{0,31}$/, 'a state');

const readGroup = object<LiveGroup>(
  {
    state: readLiveState,
    code: optional(readCode),
    by: optional(readName),
    leftMs: optional(readCount),
    total: readCount,
    hosts: list(readHost, MAX_TOLD),
  },
  'ignored',
);

export const readLive = object<Live>(
  { hosts: readCount, total: readCount, states: list(readGroup, MAX_GROUPS) },
  'ignored',
);

const readTrouble = object<HostTrouble>(
  {
    state: readLiveState,
    code: optional(readCode),
    leftMs: optional(readCount),
    total: readCount,
    redirects: list(readName, MAX_TOLD),
  },
  'ignored',
);

export const readTroubles: Reader<readonly HostTrouble[]> = list(readTrouble, MAX_GROUPS);
