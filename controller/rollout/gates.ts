import type { GateVerdict, Verdict } from '../../protocol/gate.ts';
import type { Counted } from '../model/counted.ts';
import type { Stand } from '../model/live.ts';
import type { ExternalWord } from '../model/rollout.ts';

/** What keeps a redirect of the rollout, or all of a host where no name is given, from being in force there. */
export interface Trouble extends Stand {
  readonly name?: string;
  /** How long it is known. */
  readonly forMs: number;
}

/** What is known of a host now; of a control host, what tells that it is heard, what stands there, and what its packets do. */
export interface JudgedHost {
  readonly host: string;
  /** The wave that it was reached in; of a control host 0. */
  readonly wave: number;
  /** Since its last status; null where it never said anything. */
  readonly statusMsAgo: number | null;
  /** It has verified what the rollout gave it. */
  readonly verified: boolean;
  /** Those that it did not have before the rollout. */
  readonly troubles: readonly Trouble[];
  /** It has more exceptions than it lists, and they may be ours. */
  readonly troublesCut?: true;
  /** Absent where it never answered. */
  readonly counted?: Counted;
}

/** All that gates are judged by. Hosts that are excluded are in neither list. */
export interface GateFacts {
  /** The wave that the rollout is in. */
  readonly wave: number;
  readonly reached: readonly JudgedHost[];
  readonly control: readonly JudgedHost[];
  /** A host that was heard within so long is known to be there. */
  readonly freshMs: number;
  /** How long hosts that do not have it have been heard without a break; 0 where they are not. */
  readonly othersHeardMs: number;
  /** So many reached hosts may be silent. */
  readonly maxUnreachable: number;
  /** The rollout puts something that packets could meet: one that only deletes does not. */
  readonly puts: boolean;
  readonly noTrafficOk: boolean;
  /** The last that was said from outside. */
  readonly external: ExternalWord | null;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** The gate that decided it; absent where all pass. */
  readonly cause?: GateVerdict;
  readonly gates: readonly GateVerdict[];
}
