import type { Code } from '../../protocol/codes.ts';
import type { Intent } from '../../protocol/intent.ts';
import type { EntryValue } from '../model/entry.ts';
import type { EntryKey } from '../model/entry-key.ts';
import type { State } from '../model/state.ts';

/** What shall become of one key, before the ops that it takes. */
export interface Draft {
  readonly key: string;
  /** Absent when the key is desired no more. */
  readonly intent?: Intent;
  /** Of the change that this is the answer to, where that is not the intent's own. */
  readonly rev?: number;
  readonly state: State;
  readonly code?: Code;
  readonly slot: number | null;
  /** The guard of the host allows no more entries than stand. */
  readonly full?: true;
  /** The kernel stays as it is: the disk has to know first that the time of a change runs, or it runs only later. */
  readonly leaves?: 'until armed' | 'until attached';
  /** The entry that shall stand; absent when none shall. */
  readonly want?: { readonly id: string; readonly key: EntryKey; readonly value: EntryValue };
}

/** What was decided about one key. */
export interface Decision extends Draft {
  /** Indexes of the plan's ops that must be done for `state` to be true. */
  readonly ops: readonly number[];
}
