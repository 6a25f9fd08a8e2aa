import type { BatchResult, MapHandle, Native } from '../../native/index.ts';
import type { Family } from '../../protocol/match.ts';
import type { OpResult } from '../model/op.ts';
import { STRUCTS } from './abi.ts';
import { errnoName, isErrno } from './errno.ts';
import { BPF_F_LOCK } from './row-table.ts';

const DONE: OpResult = { done: true };
const ABSENT: OpResult = { done: true, absent: true };

/** Entries of one redirect map that are written or deleted together: keys of `size` bytes and values, `count` of each. */
export interface Batch {
  readonly family: Family;
  readonly map: MapHandle;
  readonly size: number;
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
  readonly count: number;
}

/** One result an entry, in order. UPDATE_BATCH stops at the first element that the kernel refuses; the rest goes on after it. */
export function writeBatch(native: Native, { map, size, keys, values, count }: Batch): OpResult[] {
  return carryOn(count, (from) => {
    if (count - from === 1) {
      const value = values.subarray(from * STRUCTS.value.size);
      return { rc: native.mapUpdateElem(map, keys.subarray(from * size), value, BPF_F_LOCK), count: 0 };
    }
    const rest = values.subarray(from * STRUCTS.value.size);
    return native.mapUpdateBatch(map, keys.subarray(from * size), rest, count - from, BPF_F_LOCK);
  });
}

/** The same. DELETE_BATCH stops at an absent key too: that one is done. */
export function deleteBatch(native: Native, { map, size, keys, count }: Batch): OpResult[] {
  return carryOn(count, (from) => {
    if (count - from === 1) return { rc: native.mapDeleteElem(map, keys.subarray(from * size)), count: 0 };
    return native.mapDeleteBatch(map, keys.subarray(from * size), count - from);
  });
}

/** Repeats a batch call after each element at which it stopped. `count` of an answer is what was done before that. */
function carryOn(total: number, call: (from: number) => BatchResult): OpResult[] {
  const results: OpResult[] = [];
  while (results.length < total) {
    const { rc, count } = call(results.length);
    const done = rc < 0 ? count : total - results.length;
    for (let i = 0; i < done; i += 1) results.push(DONE);
    if (rc < 0) results.push(isErrno(rc, 'ENOENT') ? ABSENT : { done: false, errno: errnoName(rc) });
  }
  return results;
}
