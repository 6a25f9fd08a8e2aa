import type { EntryState } from '../model/state.ts';
import type { Drift } from './drift.ts';

/** A key that is no more, and the name under which it was desired, where that is known. */
export interface Gone {
  readonly key: string;
  readonly name?: string;
}

/** A key that stands otherwise than before; `stored`: the disk has it so. */
export interface Changed {
  readonly before: EntryState | undefined;
  readonly now: EntryState;
  readonly stored: boolean;
}

/** What one pass changed; the caller stores and tells it. */
export interface PassResult {
  readonly changed: readonly Changed[];
  /** Keys whose entry is gone for good. */
  readonly forgotten: readonly Gone[];
  readonly drifted: readonly Drift[];
  /** True when the kernel was read back in full. */
  readonly readBack: boolean;
  /** How many keys were decided on. */
  readonly decided: number;
}
