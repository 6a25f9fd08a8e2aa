import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { kernelTests } from '../support/kernel.ts';
import { must } from '../support/must.ts';
import { type Look, TestTable, valueFor } from '../support/table-reader.ts';

const ECANCELED = -125;
const kernel = kernelTests();
const ARRAY = 2;
const BPF_F_MMAPABLE = 1024;
const EINVAL = -22;
const FAMILIES = [
  ['IPv4', 16],
  ['IPv6', 40],
] as const;
/** More than a window of rows. */
const CROWD = 12;

function begun(keyBytes: 16 | 40, rowBits = 4): TestTable {
  const table = new TestTable(keyBytes, rowBits);
  const rc = table.native.tableClear(table.table, 1, 0, table.halfRows);
  if (rc !== 0) throw new Error(`tableClear: errno ${-rc}`);
  return table;
}

const words = (value: Uint8Array): Look => value.subarray(8);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

for (const [family, keyBytes] of FAMILIES) {
  kernel(`native table: an ${family} entry is put, changed, broken, removed and forgotten`, (t) => {
    using held = begun(keyBytes);
    const { native, table } = held;
    const key = held.keyAt(3, 1);
    t.is(held.look(1, key), 'miss');
    t.is(native.tablePut(table, 1, key, valueFor(key, 7), 1), 0);
    t.deepEqual(held.look(1, key), words(valueFor(key, 7)));
    t.is(native.tableBreak(table, 1, key, 1), 0);
    t.is(held.look(1, key), 'hash');
    t.is(native.tableBreak(table, 1, key, 1), 0);
    t.is(held.look(1, key), 'hash', 'broken twice is broken');
    t.is(native.tablePut(table, 1, key, valueFor(key, 8), 1), 0);
    t.deepEqual(held.look(1, key), words(valueFor(key, 8)));
    t.deepEqual(native.tableCounts(table, 1), { rows: 16, used: 1, gone: 0, unplaced: 0 });
    t.is(native.tableRemove(table, 1, key, 1), 0);
    t.is(held.row(1, 3).state, 'gone');
    t.is(held.look(1, key), 'miss');
    t.deepEqual(native.tableCounts(table, 1), { rows: 16, used: 0, gone: 1, unplaced: 0 });
    const bits = (): number => Array.from({ length: 128 }, (_, bit) => held.hasBit(1, bit)).filter(Boolean).length;
    t.is(bits(), 1);
    t.is(native.tableForget(table, 1), 0);
    t.is(bits(), 0);
    native.tablePut(table, 1, key, valueFor(key, 9), 1);
    native.tableRemove(table, 1, key, 1);
    native.tablePut(table, 1, key, valueFor(key, 10), 1);
    native.tableForget(table, 1);
    t.deepEqual(held.look(1, key), words(valueFor(key, 10)), 'what came back meanwhile keeps its bit');
    t.deepEqual(native.tableCounts(table, 1), { rows: 16, used: 1, gone: 0, unplaced: 0 });
  });

  kernel(
    `native table: ${family} keys crowd one home; those without a row are asked of the map, and find one later`,
    (t) => {
      using held = begun(keyBytes);
      const { native, table } = held;
      const keys = Array.from({ length: CROWD }, (_, n) => held.keyAt(14, n));
      const at = (n: number): Uint8Array => keys[n] as Uint8Array;
      native.tablePut(table, 1, Buffer.concat(keys), Buffer.concat(keys.map((key) => valueFor(key, 1))), CROWD);
      const looks = keys.map((key) => held.look(1, key));
      t.deepEqual(
        looks.slice(0, 8),
        keys.slice(0, 8).map((key) => words(valueFor(key, 1))),
        'wrapped around the end',
      );
      t.deepEqual(looks.slice(8), ['hash', 'hash', 'hash', 'hash']);
      t.deepEqual(native.tableCounts(table, 1), { rows: 16, used: 8, gone: 0, unplaced: 4 });
      native.tableRemove(table, 1, at(2), 1);
      t.is(held.look(1, at(2)), 'hash', 'its window has no end');
      native.tablePut(table, 1, at(9), valueFor(at(9), 2), 1);
      t.deepEqual(held.look(1, at(9)), words(valueFor(at(9), 2)));
      native.tableRemove(table, 1, at(11), 1);
      native.tableForget(table, 1);
      t.deepEqual(native.tableCounts(table, 1), { rows: 16, used: 8, gone: 0, unplaced: 2 });
      t.is(held.look(1, at(8)), 'hash');
    },
  );

  kernel(
    `native table: whatever the order of writes, no ${family} row says what does not stand, and none hides what does`,
    (t) => {
      const op = fc.record({
        kind: fc.constantFrom('put', 'remove', 'break', 'forget'),
        n: fc.nat(23),
        rev: fc.nat(9),
      });
      const property = fc.property(fc.array(op, { maxLength: 120 }), (ops) => {
        using held = begun(keyBytes, 3);
        const { native, table } = held;
        const keys = Array.from({ length: 24 }, (_, n) => held.keyAt(n & 7, n));
        const stands = new Map<number, number>();
        for (const { kind, n, rev } of ops) {
          const key = keys[n] as Uint8Array;
          if (kind === 'put') native.tablePut(table, 1, key, valueFor(key, rev), 1);
          else if (kind === 'remove') native.tableRemove(table, 1, key, 1);
          else if (kind === 'break') native.tableBreak(table, 1, key, 1);
          else native.tableForget(table, 1);
          if (kind === 'put') stands.set(n, rev);
          if (kind === 'remove') stands.delete(n);
          keys.forEach((each, i) => {
            const [look, right] = [held.look(1, each), stands.get(i)];
            if (look === 'hash' || (look === 'miss' && right === undefined)) return;
            if (right === undefined || hex(look as Uint8Array) !== hex(valueFor(each, right).subarray(8)))
              throw new Error(`key ${i} is ${String(look)}, and ${right} stands`);
          });
        }
      });
      t.notThrows(() => fc.assert(property, { numRuns: 60 }));
    },
  );

  kernel(`native table: what somebody else changed in ${family} rows and their filter is found and mended`, (t) => {
    using held = begun(keyBytes, 6);
    const { native, table } = held;
    const keys = Array.from({ length: 20 }, (_, n) => held.keyAt(n * 3, n));
    const values = keys.map((key) => valueFor(key, 5));
    const all = [Buffer.concat(keys), Buffer.concat(values), 20] as const;
    native.tablePut(table, 1, ...all);
    t.deepEqual(native.tableDiffering(table, 1, ...all), Uint32Array.of());
    t.is(native.tableKeepOnly(table, 1, all[0], 20), 0);
    held.spoil(1, 3, keyBytes + 40, Uint8Array.of(99));
    held.spoil(1, 9, keyBytes, Uint8Array.of(6));
    held.spoil(1, 12, keyBytes + 4, Uint8Array.of(2));
    held.spoilFilter(1, new Uint8Array(8));
    t.deepEqual(
      [...(native.tableDiffering(table, 1, ...all) as Uint32Array)],
      [0, 1, 2, 3, 4],
      'and 0 and 2 by the filter',
    );
    native.tablePut(table, 1, ...all);
    t.deepEqual(native.tableDiffering(table, 1, ...all), Uint32Array.of());
    t.is(native.tableKeepOnly(table, 1, all[0], 20), 0);
    const fewer = Buffer.concat(keys.slice(0, 18));
    t.is(native.tableKeepOnly(table, 1, fewer, 18), 4, 'two rows, and a word of the filter for each');
    t.deepEqual(
      [18, 19].map((n) => held.row(1, n * 3).state),
      ['gone', 'gone'],
    );
    held.spoilFilter(1, new Uint8Array(64).fill(255));
    t.is(native.tableKeepOnly(table, 1, fewer, 18), 8, 'words of the filter');
    held.spoilFilter(1, new Uint8Array(64).fill(255));
    t.is(native.tableBeginKeeping(table, 1), 0);
    for (const n of [0, 9]) t.is(native.tableKeep(table, 1, Buffer.concat(keys.slice(n, n + 9)), 9), 0);
    const parts = [0, 8, 16, 24, 32, 40, 48, 56].map((from) => native.tableDropRest(table, 1, from, 8));
    t.deepEqual(
      parts.reduce((sum, wrong) => sum + wrong, 0),
      8,
      'in parts, too',
    );
    t.is(native.tableDropRest(table, 1, 0, 8), ECANCELED, 'it is over');
    native.tableBeginKeeping(table, 1);
    native.tablePut(table, 1, all[0], all[1], 20);
    t.is(native.tableKeep(table, 1, all[0], 20), ECANCELED, 'something else is said now');
    native.tableRemove(table, 1, Buffer.concat(keys.slice(18)), 2);
    native.tableForget(table, 1);
    t.deepEqual(native.tableCounts(table, 1), { rows: 64, used: 18, gone: 2, unplaced: 0 });
  });
}

kernel(
  'native table: a half is cleared from its first row to its last before it is written, and the other one stays',
  (t) => {
    using held = begun(16);
    const { native, table } = held;
    const key = held.keyAt(0, 1);
    native.tablePut(table, 1, key, valueFor(key, 1), 1);
    t.is(native.tablePut(table, 2, key, valueFor(key, 2), 1), EINVAL);
    t.is(native.tableClear(table, 2, 0, 10), 0);
    t.is(native.tablePut(table, 2, key, valueFor(key, 2), 1), EINVAL);
    t.throws(() => native.tableClear(table, 2, 9, 2), { instanceOf: TypeError });
    t.throws(() => native.tableClear(table, 2, 10, 7), { instanceOf: TypeError });
    t.is(native.tableClear(table, 2, 10, 6), 0);
    t.is(native.tablePut(table, 2, key, valueFor(key, 2), 1), 0);
    t.deepEqual([held.look(1, key), held.look(2, key)], [words(valueFor(key, 1)), words(valueFor(key, 2))]);
    t.is(native.tableClear(table, 2, 0, 0), 0);
    t.is(native.tableCounts(table, 2), EINVAL);
    t.deepEqual(held.look(2, key), words(valueFor(key, 2)), 'nobody knows it any more, and it stands');
    native.tableClear(table, 1, 0, 16);
    t.deepEqual([held.look(1, key), held.look(2, key)], ['miss', words(valueFor(key, 2))]);
    t.throws(() => native.tableClear(table, 3, 0, 16), { instanceOf: TypeError });
  },
);

kernel('native table: a half is memory of this process while there is anything in it, and no longer', (t) => {
  const mapped = (): number => readFileSync('/proc/self/maps', 'utf8').split('bpf-map').length;
  using held = new TestTable(40, 8);
  const { native, table } = held;
  const before = mapped();
  const more = (): number => mapped() - before;
  const key = held.keyAt(0, 1);
  const put = (half: number): number => native.tablePut(table, half, key, valueFor(key, 1), 1);
  native.tableClear(table, 1, 0, 8);
  t.is(more(), 2, 'rows and filter');
  native.tableClear(table, 1, 8, 248);
  t.is(more(), 0, 'all of it is empty');
  t.is(put(1), 0);
  t.is(more(), 2);
  native.tableClear(table, 2, 0, 256);
  t.is(put(2), 0);
  t.is(more(), 4);
  t.deepEqual([held.look(1, key), held.look(2, key)], [words(valueFor(key, 1)), words(valueFor(key, 1))]);
  native.tableClear(table, 1, 0, 0);
  t.is(more(), 2, 'nobody knows what is in it');
  native.tableRemove(table, 2, key, 1);
  native.tableForget(table, 2);
  t.is(more(), 2, 'searches walk over its row');
  native.tableClear(table, 1, 0, 256);
  held.spoil(1, 255, 44, Uint8Array.of(1));
  native.tableBeginKeeping(table, 1);
  const wrong = [0, 128].map((from) => [native.tableDropRest(table, 1, from, 128), more()]);
  t.deepEqual(wrong, [
    [0, 4],
    [1, 4],
  ]);
  t.deepEqual(native.tableCounts(table, 1), { rows: 256, used: 0, gone: 1, unplaced: 0 });
  native.close(table);
  t.is(more(), 0);
});

kernel('native table: maps that are no table are refused', (t) => {
  using held = new TestTable(16, 4);
  const { native } = held;
  const made = (valueSize: number, entries: number, flags = BPF_F_MMAPABLE) =>
    must('mapCreate', native.mapCreate(ARRAY, 'snat', 4, valueSize, entries, flags));
  const wrong = [
    [made(64, 1), made(8, 1)],
    [made(64, 24), made(8, 3)],
    [made(64, 32), made(8, 3)],
    [made(48, 32), made(8, 4)],
    [made(64, 32), made(16, 4)],
    [made(64, 32, 0), made(8, 4)],
    [made(64, 32), made(8, 4, 0)],
  ] as const;
  for (const [rows, filter] of wrong) {
    t.is(native.tableOpen(rows, filter), EINVAL);
    for (const map of [rows, filter]) native.close(map);
  }
});
