/**
 * As many keys as the argument says go into a table of their own, are compared and taken out again: the milliseconds of each
 * step, the longest of one call, and what was counted. Run by table-race.test.ts.
 */
import { randomFillSync } from 'node:crypto';
import { LIMITS } from '../../agent/kernel/abi.ts';
import { printResult } from '../support/netns.ts';
import { TestTable } from '../support/table-reader.ts';

const KEY = 16;
const VALUE = 48;
const CALL = 4_096;
const CLEARED = 16_384;

const count = Number(process.argv[2]);
const rowBits = Math.ceil(Math.log2(count * 2));
using held = new TestTable(KEY, rowBits);
const { native, table } = held;
const keys = randomFillSync(new Uint8Array(count * KEY));
const values = new Uint8Array(count * VALUE);

function timed(total: number, each: number, call: (from: number, many: number) => number): readonly number[] {
  const took: number[] = [];
  for (let from = 0; from < total; from += each) {
    const began = process.hrtime.bigint();
    const rc = call(from, Math.min(each, total - from));
    if (rc < 0) throw new Error(`errno ${-rc}`);
    took.push(Number(process.hrtime.bigint() - began) / 1e6);
  }
  return took;
}

const told = (took: readonly number[]) => ({
  ms: Math.round(took.reduce((sum, ms) => sum + ms, 0)),
  longestMs: Number(Math.max(...took).toFixed(2)),
});
const some = (from: number, many: number): Uint8Array => keys.subarray(from * KEY, (from + many) * KEY);
const valuesOf = (from: number, many: number): Uint8Array => values.subarray(from * VALUE, (from + many) * VALUE);

const clear = timed(held.halfRows, CLEARED, (from, many) => native.tableClear(table, 1, from, many));
const put = timed(count, CALL, (from, many) => native.tablePut(table, 1, some(from, many), valuesOf(from, many), many));
const counted = native.tableCounts(table, 1);
let differing = -1;
const compare = timed(1, 1, () => {
  const found = native.tableDiffering(table, 1, keys, values, count);
  differing = typeof found === 'number' ? found : found.length;
  return native.tableKeepOnly(table, 1, keys, count);
});
const remove = timed(count, CALL, (from, many) => native.tableRemove(table, 1, some(from, many), many));
const forget = timed(1, 1, () => native.tableForget(table, 1));
const left = native.tableCounts(table, 1);
printResult({
  probes: LIMITS.PROBES_MAX,
  ...{
    count,
    rowBits,
    clear: told(clear),
    put: told(put),
    compare: told(compare),
    remove: told(remove),
    forget: told(forget),
  },
  ...{ counted, differing, left },
});
