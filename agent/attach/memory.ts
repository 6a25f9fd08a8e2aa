import { PASS_REASONS, STRUCTS } from '../kernel/abi.ts';

/** Entries a redirect map holds for each slot: a fuller table costs a random hit 20 % more. */
export const ENTRIES_PER_SLOT = 4;
/** struct htab_elem of kernel/bpf/hashtab.c, and a bucket with its lock. */
const ELEMENT_BYTES = 48;
const BUCKET_BYTES = 16;
/** A row of `passed`. */
const PASSED_BYTES = 8;

/** Estimates what the maps take of kernel memory, all of it at once: hash elements are preallocated. */
export function memoryBytes(slots: number, cpuRows: number): number {
  const entries = slots * ENTRIES_PER_SLOT;
  const buckets = 2 ** Math.ceil(Math.log2(entries));
  const hash = (keyBytes: number): number =>
    entries * (ELEMENT_BYTES + keyBytes + STRUCTS.value.size) + buckets * BUCKET_BYTES;
  const counters = (cpuRows + 1) * STRUCTS.stat.size + PASS_REASONS.length * PASSED_BYTES;
  return hash(STRUCTS.key4.size) + hash(STRUCTS.key6.size) + slots * counters;
}
