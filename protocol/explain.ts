import { type Action, readAction } from './action.ts';
import { type AskError, type KernelEntry, kernelEntryFields } from './ask.ts';
import type { AnyCode } from './codes.ts';
import { open, readHostError, readVersion } from './envelope.ts';
import { type Event, readEvent } from './event.ts';
import { readHost } from './host.ts';
import { type Idle, readIdle, readName } from './intent.ts';
import { encodeJson } from './json.ts';
import { readInterface } from './match.ts';
import { readReasons } from './packets.ts';
import {
  list,
  nullable,
  object,
  oneOf,
  optional,
  pattern,
  prose,
  type Reader,
  readBoolean,
  readCode,
  readCount,
  readKey,
  readMacText,
  readRev,
  readTime,
  readU64,
  readWord,
} from './read.ts';
import { Refused } from './refused.ts';
import { type HostProblem, type IntentState, MAX_HOST_PROBLEMS, readHostProblem, readState } from './status.ts';

/** Asks why a redirect of a host is as it is: by its name or by its key. */
export type ExplainRequest = { readonly v: 1 } & ({ readonly name: string } | { readonly key: string });

/** What the kernel map holds now. `rev` is the low 32 bits of a revision; `sound` false: it was not written by the agent. */
export interface HeldEntry extends KernelEntry {
  readonly rev: number;
  readonly slot: number;
  readonly sound: boolean;
}

/** Where the action would send packets, as routes, neighbours and interfaces are now. */
export interface NextHopNow {
  readonly state: 'resolved' | 'asking' | 'failed' | 'no-route' | 'no-interface';
  readonly interface?: string;
  readonly ifindex?: number;
  /** Up, with carrier. */
  readonly up?: boolean;
  /** The interface sends redirected frames. */
  readonly takesRedirects?: boolean;
  readonly gateway?: string;
  readonly mac?: string;
  readonly mtu?: number;
}

/** Another redirect of the host that a packet can match as well; `wins` over the one explained. */
export interface Overlapping {
  readonly name: string;
  readonly key: string;
  readonly state: IntentState;
  readonly wins: boolean;
}

/**
 * What the host's guard says of a redirect: `denied`, with the rule that forbids it, or `overlaps`, with whose packets pass it,
 * each by name and match.
 */
export interface GuardSays {
  readonly is: 'denied' | 'overlaps';
  readonly by: readonly string[];
}

/** The change that the host's brake withholds: what it would send packets to; null where it deletes. */
export interface WithheldChange {
  readonly rev: number;
  readonly to: Action | null;
}

/**
 * What silence a redirect is in. `leftMs`: how much more of it gives the redirect up; absent where it is not being judged.
 * `by`: the interfaces by which its packets are counted now; of none nobody can tell.
 */
export interface Silence {
  readonly leftMs?: number;
  readonly by: readonly string[];
}

/**
 * Of a change that wants to be confirmed: whether its time runs, and how much is left, or that it was taken back. `previous`: what
 * comes back, or has come back; null: nothing stood.
 */
export interface Confirmation {
  readonly state: 'unarmed' | 'armed' | 'reverted';
  readonly withinMs: number;
  readonly leftMs?: number;
  readonly previous: { readonly rev: number; readonly to: Action } | null;
}

/** All that an agent knows of one redirect. Times are in ms since 1970; counters are 64 bit, decimal strings. */
export interface Explanation {
  readonly v: 1;
  readonly host: string;
  readonly name: string;
  readonly key: string;
  readonly rev: number;
  readonly to: Action;
  readonly idle?: Idle;
  readonly expires?: number;
  readonly state: IntentState;
  readonly code?: AnyCode;
  readonly errno?: string;
  /** Absent where the guard allows it, or there is none. */
  readonly guard?: GuardSays;
  /** What the brake withholds of it; all else that is said is of what stands meanwhile. Absent where that is nothing. */
  readonly withheld?: WithheldChange;
  /** While its last change waits to be confirmed, or after it was taken back. */
  readonly confirmation?: Confirmation;
  /** In a redirect with `idle`. */
  readonly silence?: Silence;
  /** When it came to this state. */
  readonly since?: number;
  readonly installedAt?: number;
  readonly retryAt?: number;
  readonly slot: number | null;
  readonly packets: string;
  readonly bytes: string;
  readonly seenMsAgo: number | null;
  /** Of `packets` those that were passed and not sent, by the verdict's name; null where the host does not count them. */
  readonly passed?: Readonly<Record<string, string>> | null;
  readonly entry: HeldEntry | null;
  /** Null for an action that sends nothing anywhere. */
  readonly nexthop: NextHopNow | null;
  /** The most specific first. */
  readonly overlaps: readonly Overlapping[];
  readonly overlapsTotal: number;
  /** The program passes everything. */
  readonly bypass: boolean;
  /** What is wrong with the host's maps as a whole; absent: nothing. */
  readonly problems?: readonly HostProblem[];
  /** The last decisions about the key, oldest first. */
  readonly events: readonly Event[];
}

/** The most overlapping redirects that one explanation names. */
export const MAX_OVERLAPS = 20;
const MAX_EVENTS = 256;
/** The most that are named of those whose packets pass a redirect. */
export const MAX_PROTECTORS = 16;
/** As many as there are zones. */
const MAX_INTERFACES = 16;

const readAsked = object<{ v: 1; name?: string; key?: string }>({
  v: readVersion,
  name: optional(readName),
  key: optional(readKey),
});

const readRequest: Reader<ExplainRequest> = (value, path) => {
  const { v, name, key } = readAsked(value, path);
  if (name !== undefined && key === undefined) return Object.freeze({ v, name });
  if (key !== undefined && name === undefined) return Object.freeze({ v, key });
  throw new Refused('BAD_REQUEST', path, 'either name or key must be given');
};

const readHeldEntry = object<HeldEntry>(
  { ...kernelEntryFields, rev: readCount, slot: readCount, sound: readBoolean },
  'ignored',
);

const readNextHop = object<NextHopNow>(
  {
    state: oneOf('resolved', 'asking', 'failed', 'no-route', 'no-interface'),
    interface: optional(readInterface),
    ifindex: optional(readCount),
    up: optional(readBoolean),
    takesRedirects: optional(readBoolean),
    gateway: optional(pattern(/^[0-9a-f.:]{2,45}$/, 'an address')),
    mac: optional(readMacText),
    mtu: optional(readCount),
  },
  'ignored',
);

const readOverlapping = object<Overlapping>(
  { name: readName, key: readKey, state: readState, wins: readBoolean },
  'ignored',
);

const readGuardSays = object<GuardSays>(
  { is: oneOf('denied', 'overlaps'), by: list(prose(512), MAX_PROTECTORS) },
  'ignored',
);

const readSilence = object<Silence>(
  { leftMs: optional(readCount), by: list(readInterface, MAX_INTERFACES) },
  'ignored',
);

const readWithheld = object<WithheldChange>({ rev: readRev, to: nullable(readAction) }, 'ignored');
const readConfirmation = object<Confirmation>(
  {
    state: oneOf('unarmed', 'armed', 'reverted'),
    withinMs: readCount,
    leftMs: optional(readCount),
    previous: nullable(object<NonNullable<Confirmation['previous']>>({ rev: readRev, to: readAction }, 'ignored')),
  },
  'ignored',
);

const readExplanation = object<Explanation>(
  {
    v: readVersion,
    host: readHost,
    name: readName,
    key: readKey,
    rev: readRev,
    to: readAction,
    idle: optional(readIdle),
    expires: optional(readTime),
    state: readState,
    code: optional(readCode),
    errno: optional(readWord),
    guard: optional(readGuardSays),
    withheld: optional(readWithheld),
    confirmation: optional(readConfirmation),
    silence: optional(readSilence),
    since: optional(readTime),
    installedAt: optional(readTime),
    retryAt: optional(readTime),
    slot: nullable(readCount),
    packets: readU64,
    bytes: readU64,
    seenMsAgo: nullable(readCount),
    passed: optional(nullable(readReasons)),
    entry: nullable(readHeldEntry),
    nexthop: nullable(readNextHop),
    overlaps: list(readOverlapping, MAX_OVERLAPS),
    overlapsTotal: readCount,
    bypass: readBoolean,
    problems: optional(list(readHostProblem, MAX_HOST_PROBLEMS)),
    events: list(readEvent, MAX_EVENTS),
  },
  'ignored',
);

/** Reads what is to be explained. Errors: Refused. */
export function parseExplainRequest(input: unknown): ExplainRequest {
  return readRequest(open(input), '');
}

export function encodeExplainRequest(request: ExplainRequest): Uint8Array {
  return encodeJson(readRequest(request, ''));
}

/** Reads the answer to `explain`; with `host`, only that host's. Unknown fields are ignored. Errors: Refused. */
export function parseExplainReply(input: unknown, host?: string): Explanation | AskError {
  const value = open(input, host);
  return value.error === undefined ? readExplanation(value, '') : readHostError(value, '');
}

export function encodeExplanation(explanation: Explanation): Uint8Array {
  return encodeJson(readExplanation(explanation, ''));
}
