import type { AnyCode } from './codes.ts';
import { type Collateral, collateralFields, type Mark, readMarks, readWay, type Way } from './effects.ts';
import { readHost } from './host.ts';
import { readName } from './intent.ts';
import { MAX_LACKS } from './listings.ts';
import {
  list,
  nullable,
  object,
  oneOf,
  optional,
  prose,
  readBoolean,
  readCode,
  readCount,
  readKey,
  readTrue,
  readWord,
} from './read.ts';
import { PRECEDENCE, type Precedence } from './shape.ts';

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
  /** Of those that change, how many send their packets elsewhere; absent where none does. */
  readonly retargeted?: number;
  /** What an apply would have to be allowed: see the size gate; absent where nothing. */
  readonly gate?: readonly PlanGate[];
}

export type PlanGate = 'shrink' | 'growth';

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
  /** Where the packets of the key go today, and where they would; absent from a controller that does not say. */
  readonly from?: Way;
  readonly to?: Way;
  readonly marks?: readonly (Mark | (string & {}))[];
}

/** A redirect that the request does not name, and whose packets become more, fewer or none. */
export interface PlanCollateral extends Collateral, Spread {}

/** A redirect whose key another one has. */
export interface PlanShadow extends Spread {
  readonly name: string;
  readonly by: string;
  readonly key: string;
  /** Their names alone decide which of the two has it. */
  readonly tie?: true;
}

/** A redirect that is not sent to hosts that it is for, and why: `lacks` names what their agents do not say that they can. */
export interface PlanNotSent extends Spread {
  readonly name: string;
  readonly code: AnyCode;
  readonly lacks: readonly string[];
}

/** A redirect that hosts would not install, because their guards deny it, and by which rule. */
export interface PlanDenied extends Spread {
  readonly name: string;
  readonly key: string;
  readonly by: string;
}

/** Two redirects that a packet can match both: where it does, `winner` has it. `decided` says by what. */
export interface PlanOverlap extends Spread {
  readonly winner: string;
  readonly winnerKey: string;
  readonly loser: string;
  readonly loserKey: string;
  readonly decided: Precedence;
}

/** The most hosts that one line names; `hostsTotal` counts all. */
export const MAX_NAMED_HOSTS = 5;

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
    retargeted: optional(readCount),
    gate: optional(list(oneOf('shrink', 'growth'), 2)),
  },
  'ignored',
);

const spread = { hosts: list(readHost, MAX_NAMED_HOSTS), hostsTotal: readCount };

const readChange = object<PlanChange>(
  {
    ...{ op: oneOf('add', 'change', 'delete'), name: readName, key: readKey, was: optional(readName) },
    ...{ from: optional(readWay), to: optional(readWay), marks: optional(readMarks) },
    ...spread,
  },
  'ignored',
);
const readShadow = object<PlanShadow>(
  { name: readName, by: readName, key: readKey, tie: optional(readTrue), ...spread },
  'ignored',
);
const readCollateral = object<PlanCollateral>({ ...collateralFields, ...spread }, 'ignored');
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

const readDenied = object<PlanDenied>({ name: readName, key: readKey, by: prose(512), ...spread }, 'ignored');

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
  collateral: readCollateral,
  denied: readDenied,
};
