import { LIMITS, PASS_REASONS, STRUCTS } from '../kernel/abi.ts';
import type { Config } from '../kernel/about.ts';
import { tableSize } from '../kernel/table-size.ts';

/** Entries a redirect map holds for each slot: a fuller table costs a random hit 20 % more. */
export const ENTRIES_PER_SLOT = 4;
/** struct htab_elem of kernel/bpf/hashtab.c, and a bucket with its lock. */
const ELEMENT_BYTES = 48;
const BUCKET_BYTES = 16;
/** A row of `passed`, and a word of a filter. */
const WORD_BYTES = 8;

/** Estimates what the maps take of kernel memory, all of it at once: hash elements are preallocated. */
export function memoryBytes({ slots, cpuRows, rowBits }: Config): number {
  const entries = slots * ENTRIES_PER_SLOT;
  const buckets = 2 ** Math.ceil(Math.log2(entries));
  const hash = (keyBytes: number): number =>
    entries * (ELEMENT_BYTES + keyBytes + STRUCTS.value.size) + buckets * BUCKET_BYTES;
  const counters = (cpuRows + 1) * STRUCTS.stat.size + PASS_REASONS.length * WORD_BYTES;
  const { rows, filter } = tableSize(rowBits);
  const tables = rows * (STRUCTS.row4.size + STRUCTS.row6.size) + 2 * filter * WORD_BYTES;
  return hash(STRUCTS.key4.size) + hash(STRUCTS.key6.size) + slots * counters + tables;
}

/** The rows of a table for so many slots: two for each, so that a search is short, and a filter of whole words at least. */
export function rowBitsFor(slots: number): number {
  const least = Math.log2(64 / LIMITS.FILTER_BITS);
  return Math.max(least, Math.ceil(Math.log2(2 * slots)));
}
