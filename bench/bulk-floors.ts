/** What the machine itself takes for what bulk ends in: a commit on the disk, and a map as large filled by UPDATE_BATCH. */
import { loadNative } from '../native/index.ts';
import { must } from '../test/support/must.ts';
import { keyOf } from './bulk-files.ts';
import { FullCommit, type Quantiles, quantiles } from './floors.ts';

const HASH = 1;
const VALUE_BYTES = 48;
const COMMITS = 300;
const FILLS = 5;

export async function commitFloor(folder: string): Promise<Quantiles> {
  using commit = new FullCommit(folder);
  const taken: number[] = [];
  for (let round = 0; round < COMMITS; round += 1) taken.push(await commit.ms());
  return quantiles(taken);
}

/** Milliseconds to put so many new entries into a map of that size, by one call that loops over them. */
export function fillFloor(redirects: number, slots: number): number {
  const native = loadNative();
  const count = Math.min(redirects, slots);
  const keys = Buffer.from(Array.from({ length: count }, (_, at) => keyOf(at)).join(''), 'hex');
  const values = new Uint8Array(count * VALUE_BYTES);
  const taken = Array.from({ length: FILLS }, () => {
    const map = must('map create', native.mapCreate(HASH, 'floor', keys.length / count, VALUE_BYTES, slots, 0));
    const start = performance.now();
    const { rc } = native.mapUpdateBatch(map, keys, values, count, 0);
    const ms = performance.now() - start;
    native.close(map);
    if (rc < 0) throw new Error(`update batch: ${rc}`);
    return ms;
  });
  return quantiles(taken).p50;
}
