import type { Family, Match } from '../../protocol/match.ts';
import type { Shape } from '../../protocol/shape.ts';
import type { EntryValue } from './entry.ts';
import type { EntryKey } from './entry-key.ts';

/** One idempotent change to the kernel. */
export type Op =
  | { readonly op: 'write'; readonly id: string; readonly key: EntryKey; readonly value: EntryValue }
  | { readonly op: 'delete'; readonly id: string; readonly key: EntryKey }
  /** Publishes the whole list of live shapes of a family, most specific first. */
  | { readonly op: 'shapes'; readonly family: Family; readonly shapes: readonly Shape[] }
  /** Publishes the whole list of matches whose packets pass entries that are guarded. */
  | { readonly op: 'protect'; readonly matches: readonly Match[] }
  | { readonly op: 'port'; readonly ifindex: number; readonly present: boolean };

/** How an op went. A delete of an absent entry is done, and says so. */
export type OpResult =
  | { readonly done: true; readonly absent?: true }
  /** `errno` is the kernel's name, e.g. `E2BIG`. */
  | { readonly done: false; readonly errno: string };

/** Cuts ops into runs of one kind, in the order in which they stand: what a kernel can take in one go. */
export function runsOf(ops: readonly Op[]): readonly (readonly Op[])[] {
  const runs: Op[][] = [];
  for (const op of ops) {
    const last = runs.at(-1);
    if (last?.[0]?.op === op.op) last.push(op);
    else runs.push([op]);
  }
  return runs;
}
