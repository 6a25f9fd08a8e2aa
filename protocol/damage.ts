import type { AnyCode } from './codes.ts';
import { readName } from './intent.ts';
import { list, object, readBoolean, readCode, readCount } from './read.ts';

/** A redirect that stands on so many hosts, and would not by those that the controller has; `gone`: it has none of that name. */
export interface Unfounded {
  readonly name: string;
  readonly hosts: number;
  readonly gone: boolean;
}

/** Redirects are missing from the controller's database: so many, and of so many of them it does not know the names. */
export interface SpecsDamage {
  readonly code: AnyCode;
  readonly missing: number;
  readonly nameless: number;
  /** The first MAX_UNFOUNDED of what stands and is not known to be wanted; the total counts all. */
  readonly standing: readonly Unfounded[];
  readonly standingTotal: number;
}

/** The most names that a reply has of what stands and is in no redirect. */
export const MAX_UNFOUNDED = 100;

const readUnfounded = object<Unfounded>({ name: readName, hosts: readCount, gone: readBoolean }, 'ignored');
export const readDamage = object<SpecsDamage>(
  {
    code: readCode,
    missing: readCount,
    nameless: readCount,
    standing: list(readUnfounded, MAX_UNFOUNDED),
    standingTotal: readCount,
  },
  'ignored',
);
