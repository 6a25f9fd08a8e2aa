import type { Code } from '../../protocol/codes.ts';
import type { Counter } from './counter.ts';

/** Where an intent stands on this host. */
export type State = 'pending' | 'installed' | 'idle' | 'expired' | 'blocked' | 'denied' | 'failed';

/** What is remembered of a key beside its intent: a row of `entries`. */
export interface EntryState {
  readonly key: string;
  /** Null until a slot was given; it stays with the key for life. */
  readonly slot: number | null;
  /** Revision of the intent that `state` speaks of. */
  readonly rev: number;
  readonly state: State;
  readonly code?: Code;
  /** Name of the kernel's errno, where one is the reason. */
  readonly errno?: string;
  /** Epoch milliseconds. */
  readonly sinceMs: number;
  /** Of the last installation; epoch milliseconds. */
  readonly installedAtMs?: number;
  /** When the next try is due; epoch milliseconds. */
  readonly retryAtMs?: number;
  /** Of a redirect that is given up in silence: silence counts from here at the earliest; jiffies64 of this boot. */
  readonly armed?: number;
  /** Its last counts: on which it was found idle, or that its slot had when it was given to another key. */
  readonly counted?: Counter;
}

/** Of an entry of which nobody knows since when it stands. */
export function unarmed(row: EntryState): EntryState {
  if (row.armed === undefined) return row;
  const { armed: _, ...rest } = row;
  return rest;
}

/** It stands as it did, although something else is wanted: what counts and is seen of it goes on. */
export function standsOn({ code }: Pick<EntryState, 'code'>): boolean {
  return code === 'BRAKE';
}
