import type { Intent } from '../../protocol/intent.ts';

/** What went or was sent elsewhere in one go, without a permission; `had`: how many redirects there were before. */
export interface Step {
  /** Monotonic milliseconds. */
  readonly atMs: number;
  readonly rev: number;
  readonly count: number;
  /** Which these were; absent where they are too many to be remembered. */
  readonly keys?: readonly string[];
  /** One redirect went, and none was sent elsewhere. */
  readonly single: boolean;
  readonly had: number;
}

/** Whether the brake holds, and what it goes by. */
export interface BrakeState {
  /** Since when it holds, in epoch milliseconds; null while it does not. */
  readonly sinceMs: number | null;
  /** What went of late, oldest first. */
  readonly steps: readonly Step[];
  /** Changes up to this rev are permitted, whatever they do. */
  readonly permit: number;
}

/** A change that the brake withholds. */
export interface Withheld {
  readonly key: string;
  /** Of the change. */
  readonly rev: number;
  /** What stands, and goes on to. */
  readonly last: Intent;
}

/** What is remembered of the brake across starts of the agent, and of the host. */
export interface BrakeMemory {
  readonly state: BrakeState;
  readonly withheld: readonly Withheld[];
}

/** How that memory is to change, in one transaction with what made it change. */
export interface BrakeChange {
  readonly state: BrakeState;
  /** These are withheld from now on, or another change of theirs than before. */
  readonly hold: readonly Withheld[];
  /** Keys that are withheld no more. */
  readonly free: readonly string[];
}

export const NO_BRAKE: BrakeState = Object.freeze({ sinceMs: null, steps: Object.freeze([]), permit: 0 });
