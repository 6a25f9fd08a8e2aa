import { readName } from './intent.ts';
import { object, readCount, readKey, readRev, readTime } from './read.ts';

/** An intent that was given up in silence. */
export interface IdleStatus {
  readonly name: string;
  readonly rev: number;
}

/** A change that stands and that nobody confirmed yet: in `leftMs` the host takes it back. `name` is of what was put or deleted. */
export interface UnconfirmedStatus {
  readonly name: string;
  readonly key: string;
  readonly rev: number;
  readonly leftMs: number;
}

/**
 * Too many redirects were to go, or to send elsewhere, at once: the host stays as it was, since when, of how many keys a change waits,
 * and the lowest rev of those.
 */
export interface BrakeStatus {
  readonly since: number;
  readonly withheld: number;
  readonly from: number;
}

/** The most idle redirects that a status names. */
export const MAX_IDLE = 64;
/** The most unconfirmed changes that a status lists. */
export const MAX_UNCONFIRMED = 64;

export const readIdleStatus = object<IdleStatus>({ name: readName, rev: readRev }, 'ignored');
export const readUnconfirmed = object<UnconfirmedStatus>(
  { name: readName, key: readKey, rev: readRev, leftMs: readCount },
  'ignored',
);
export const readBrake = object<BrakeStatus>({ since: readTime, withheld: readCount, from: readRev }, 'ignored');
