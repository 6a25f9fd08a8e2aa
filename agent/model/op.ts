import type { Family } from '../../protocol/match.ts';
import type { Shape } from '../../protocol/shape.ts';
import type { EntryValue } from './entry.ts';
import type { EntryKey } from './entry-key.ts';

/** One idempotent change to the kernel. */
export type Op =
  | { readonly op: 'write'; readonly id: string; readonly key: EntryKey; readonly value: EntryValue }
  | { readonly op: 'delete'; readonly id: string; readonly key: EntryKey }
  /** Publishes the whole list of live shapes of a family, most specific first. */
  | { readonly op: 'shapes'; readonly family: Family; readonly shapes: readonly Shape[] }
  | { readonly op: 'port'; readonly ifindex: number; readonly present: boolean };

/** How an op went. A delete of an absent entry is done, and says so. */
export type OpResult =
  | { readonly done: true; readonly absent?: true }
  /** `errno` is the kernel's name, e.g. `E2BIG`. */
  | { readonly done: false; readonly errno: string };
