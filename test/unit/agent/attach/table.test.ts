import test from 'ava';
import { memoryBytes, rowBitsFor } from '../../../../agent/attach/memory.ts';
import { areAsAsked, planMaps, planNext, tableOf, toldOf } from '../../../../agent/attach/table.ts';
import { LIMITS } from '../../../../agent/kernel/abi.ts';
import { rowBitsOf, tableSize } from '../../../../agent/kernel/table-size.ts';

const GIB = 2 ** 30;
const SIZES = { slots: 16_384, cpuRows: 2 };
const WITH = { ...SIZES, rowBits: 15 };
const WITHOUT = { ...SIZES, rowBits: 0 };
/** RAM of which so many bytes are the part that maps may take. */
const ramFor = (bytes: number): number => bytes * 16;
/** Takes maps without a table, and no more. */
const SHORT = ramFor(memoryBytes(WITHOUT));

test('table: a half has two rows a slot, a power of two, and a filter of whole words', (t) => {
  t.deepEqual([1, 4, 5, 16_384, 16_385, 2 ** 20].map(rowBitsFor), [3, 3, 4, 15, 16, 21]);
  t.deepEqual(tableSize(3), { rows: 16, filter: 2 }, 'of both halves');
  t.deepEqual(tableSize(0), { rows: 1, filter: 1 });
  for (let rowBits = 3; rowBits < 24; rowBits += 1) t.is(rowBitsOf(tableSize(rowBits).rows), rowBits);
  t.is(rowBitsOf(tableSize(0).rows), 0);
});

test('table: both halves of the rows and of the filter of both families are counted', (t) => {
  t.is(memoryBytes(WITH) - memoryBytes({ ...WITH, rowBits: 0 }), 2 * 2 ** 15 * (64 + 128 + 2) - (64 + 128 + 2 * 8));
});

test('table: there is one unless it is unwanted or RAM is short; what is asked for and has no room is refused', (t) => {
  t.deepEqual(planMaps(SIZES, undefined, 8 * GIB), WITH);
  t.deepEqual(planMaps(SIZES, 'off', 8 * GIB), WITHOUT);
  t.deepEqual(planMaps(SIZES, undefined, SHORT), WITHOUT);
  t.throws(() => planMaps(SIZES, 'on', SHORT), {
    message: /would take .* lower --max-redirects, or leave out --table on$/,
  });
  t.throws(() => planMaps(SIZES, undefined, SHORT - 16), { message: /would take .* lower --max-redirects$/ });
  t.deepEqual(
    [tableOf(WITH, undefined, SHORT), tableOf(WITHOUT, undefined, SHORT), tableOf(WITHOUT, undefined, 8 * GIB)],
    ['on', 'short', 'off'],
  );
  t.is(tableOf(WITHOUT, 'off', SHORT), 'off');
});

test('table: maps stand as asked for, with the table or without where that is said', (t) => {
  const stood = { layout: LIMITS.SHUNT_LAYOUT, slots: 64, rowBits: 7 };
  const asked = { slots: undefined, table: undefined };
  t.true(areAsAsked(stood, asked));
  t.true(areAsAsked(stood, { slots: 64, table: 'on' }));
  t.true(areAsAsked({ ...stood, rowBits: 0 }, { ...asked, table: 'off' }));
  t.false(areAsAsked(stood, { ...asked, table: 'off' }));
  t.false(areAsAsked({ ...stood, rowBits: 0 }, { ...asked, table: 'on' }));
  t.false(areAsAsked(stood, { ...asked, slots: 65 }));
  t.false(areAsAsked({ ...stood, layout: 1, rowBits: undefined }, asked));
});

test('table: maps of another size have one as those before had, unless RAM was short for those alone', (t) => {
  const asked = { slots: 64, table: undefined };
  t.is(planNext(WITH, asked, 8 * GIB).rowBits, 7);
  t.is(planNext(WITHOUT, asked, 8 * GIB).rowBits, 0, 'it was switched off');
  t.is(planNext(WITHOUT, asked, SHORT).rowBits, 7, 'it did not fit');
  t.is(planNext({ ...SIZES, rowBits: undefined }, asked, 8 * GIB).rowBits, 7, 'another layout had none');
  t.is(planNext(WITHOUT, { ...asked, table: 'on' }, 8 * GIB).rowBits, 7);
  t.is(planNext(WITH, { slots: undefined, table: 'off' }, 8 * GIB).rowBits, 0);
});

test('table: of maps of another layout nothing is told', (t) => {
  t.deepEqual(toldOf({ layout: 1, slots: 4, rowBits: undefined }), { layout: 1, slots: 4 });
  t.deepEqual(toldOf({ layout: 2, slots: 4, rowBits: 3 }), { layout: 2, slots: 4, table: true });
});
