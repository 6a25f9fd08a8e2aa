import { readName } from './intent.ts';
import { readInterface } from './match.ts';
import {
  integer,
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
  readTime,
  readTrue,
  readU64,
  readWord,
  record,
} from './read.ts';

export const MAX_UNDELIVERED = 64;
/** The most redirects that a status lists for passed packets; `passedTotal` has them all. */
export const MAX_PASSED = 32;
const MAX_PASS_REASONS = 32;
/** The most redirects that a loss names. */
export const MAX_NAMED = 8;
const MAX_INTERFACES = 256;
/** The most verdicts that a message has. */
export const MAX_VERDICTS = 256;
/** The most addresses of an interface that a status has. */
export const MAX_ADDRESSES = 16;

/** Where packets come in, or ought to. */
export interface InterfaceStatus {
  readonly name: string;
  /** 0 where the loader gave it none. */
  readonly zone: number;
  /** 0 where there was never one while the agent looked. */
  readonly ifindex: number;
  readonly mode: 'native' | 'generic' | 'none';
  readonly up: boolean;
  /** Packets that come in there match as untagged whether they have a VLAN tag or not. */
  readonly hidesTags?: true;
  /** Whether packets that come in there meet the program; an older agent does not say. */
  readonly attached?: boolean;
  /** Why not, in words. */
  readonly reason?: string;
  /** What packets can be sent to there from elsewhere; absent where there is none, and from an older agent. */
  readonly addresses?: readonly string[];
}

/**
 * Packets that were redirected and died on their way out, within the last minute: a verdict is not delivery. `packets` counts
 * since `since` (ms since 1970). The redirects stay installed; those that send there are named, up to MAX_NAMED.
 */
export interface Undelivered {
  /** Null once the device is gone. */
  readonly interface: string | null;
  readonly ifindex: number;
  /** Absent where the kernel gives none. */
  readonly errno?: string;
  readonly packets: string;
  readonly since: number;
  readonly redirects: readonly string[];
  readonly redirectsTotal: number;
}

/**
 * A redirect that is installed, and packets that matched it within the last minute and were passed all the same: how many
 * since `since` (ms since 1970), by the verdict's name.
 */
export interface PassedStatus {
  readonly name: string;
  readonly reasons: Readonly<Record<string, string>>;
  readonly since: number;
}

const readInterfaceStatus = object<InterfaceStatus>(
  {
    name: readInterface,
    zone: integer(0, 255),
    ifindex: integer(0, 0x7fff_ffff),
    mode: oneOf('native', 'generic', 'none'),
    up: readBoolean,
    hidesTags: optional(readTrue),
    attached: optional(readBoolean),
    reason: optional(prose(64)),
    addresses: optional(list(pattern(/^[0-9a-f.:]{2,39}$/, 'an address'), MAX_ADDRESSES)),
  },
  'ignored',
);

const readUndelivered = object<Undelivered>(
  {
    interface: nullable(readInterface),
    ifindex: readCount,
    errno: optional(readWord),
    packets: readU64,
    since: readTime,
    redirects: list(readName, MAX_NAMED),
    redirectsTotal: readCount,
  },
  'ignored',
);

/** Passed packets by the verdict's name. */
export const readReasons: Reader<Readonly<Record<string, string>>> = record(readCode, readU64, MAX_PASS_REASONS);

const readPassed = object<PassedStatus>({ name: readName, reasons: readReasons, since: readTime }, 'ignored');

export const readInterfaces: Reader<readonly InterfaceStatus[]> = list(readInterfaceStatus, MAX_INTERFACES);
export const readLosses: Reader<readonly Undelivered[]> = list(readUndelivered, MAX_UNDELIVERED);
export const readPassedHits: Reader<readonly PassedStatus[]> = list(readPassed, MAX_PASSED);
