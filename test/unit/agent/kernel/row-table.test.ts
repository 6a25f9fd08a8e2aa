import test from 'ava';
import { EntryMaps } from '../../../../agent/kernel/entry-maps.ts';
import { encodeKey, encodeValue } from '../../../../agent/kernel/layout.ts';
import { openTables, RowTable } from '../../../../agent/kernel/row-table.ts';
import type { EntryValue } from '../../../../agent/model/entry.ts';
import { type EntryKey, entryId } from '../../../../agent/model/entry-key.ts';
import { KernelError } from '../../../../agent/model/kernel-error.ts';
import type { Op } from '../../../../agent/model/op.ts';
import type { Native } from '../../../../native/index.ts';
import { parseMatch } from '../../../../protocol/match.ts';

const ENOENT = -2;
const E2BIG = -7;
const ENOMEM = -12;
const EINVAL = -22;
const ECANCELED = -125;
const ROWS = 40_000;
const MAP = { map: 'redirect4' } as never;
const MAP6 = { map: 'redirect6' } as never;
const VALUE: EntryValue = {
  rev: 1,
  until: 0n,
  slot: 1,
  ifindex: 2,
  action: 'drop',
  keepTtl: false,
  mtu: 1500,
  dmac: '02:00:00:00:00:01',
  smac: '02:00:00:00:00:02',
};

const keyOf = (n: number): EntryKey => ({ match: parseMatch({ dst: `10.0.${n >> 8}.${n & 255}` }), zone: 0 });
const bytesOf = (n: number): Uint8Array => encodeKey(keyOf(n).match, 0);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const write = (n: number): Extract<Op, { op: 'write' }> => ({
  op: 'write',
  id: entryId(keyOf(n)),
  key: keyOf(n),
  value: VALUE,
});
const remove = (n: number): Extract<Op, { op: 'delete' }> => ({ op: 'delete', id: entryId(keyOf(n)), key: keyOf(n) });

/** Takes down what is called, in order; the map has what `stands`, and takes nothing beyond `room`. */
function staged(room = 100) {
  const calls: string[] = [];
  const stands = new Map<string, Uint8Array>();
  const control = { selected: 0, gone: 0, cancels: false };
  const note = (what: string): number => {
    calls.push(what);
    return 0;
  };
  const native: Partial<Native> = {
    tableOpen: () => 'table' as never,
    mapInfo: () => ({ maxEntries: 2 * ROWS }) as never,
    membarrierGlobal: () => note('membarrier'),
    tableClear: (_, half, from, count) => note(`clear ${half} ${from}-${from + count}`),
    tablePut: (_, half, _keys, _values, count) => note(`put ${half} ${count}`),
    tableBreak: (_, half, _keys, count) => note(`break ${half} ${count}`),
    tableRemove: (_, half, _keys, count) => note(`remove ${half} ${count}`),
    tableForget: (_, half) => note(`forget ${half}`),
    tableDiffering: () => Uint32Array.of(),
    tableKeepOnly: () => (control.cancels ? note('keep only') : 0),
    tableBeginKeeping: () => note('begin'),
    tableKeep: (_, half, _keys, count) => (control.cancels ? ECANCELED : note(`keep ${half} ${count}`)),
    tableDropRest: (_, half, from, count) => note(`drop ${half} ${from}-${from + count}`),
    tableCounts: () => ({ rows: ROWS, used: 0, gone: control.gone, unplaced: 0 }),
    mapRead: (map, _from, keys, values) => {
      const all = map === MAP6 ? [] : [...stands];
      keys.set(Buffer.concat(all.map(([key]) => Buffer.from(key, 'hex'))));
      values.set(Buffer.concat(all.map(([, value]) => value)));
      return { rc: 0, count: all.length, next: null };
    },
    mapLookupElem: (_, key) => stands.get(hex(key)) ?? ENOENT,
    mapUpdateElem: (_, key, value) => {
      const takes = stands.has(hex(key)) || stands.size < room;
      if (takes) stands.set(hex(key), value);
      note(takes ? 'map update' : 'map full');
      return takes ? 0 : E2BIG;
    },
    mapDeleteElem: (_, key) => {
      note('map delete');
      return stands.delete(hex(key)) ? 0 : ENOENT;
    },
  };
  const selector = {
    table: () => control.selected,
    setTable: (_: number, half: number) => {
      control.selected = half;
      note(`select ${half}`);
    },
  };
  const parts = { native: native as Native, family: 4, map: MAP, rows: MAP, filter: MAP, control: selector } as const;
  const open = (): EntryMaps => {
    const table = RowTable.open(parts);
    return new EntryMaps(native as Native, { 4: MAP, 6: MAP6 }, table && { 4: table });
  };
  const taken = (): string[] => calls.splice(0);
  const built = (entries: EntryMaps): EntryMaps => {
    for (const _ of entries.observe());
    while (entries.tend());
    taken();
    return entries;
  };
  return { native, stands, control, open, built, taken };
}

test('row table: a half is emptied and filled by slices, and selected at the end', (t) => {
  const { stands, open, taken, control } = staged();
  stands.set(hex(bytesOf(1)), encodeValue(bytesOf(1), VALUE));
  const entries = open();
  t.false(entries.tend(), 'nothing was seen yet');
  for (const _ of entries.observe());
  t.deepEqual(taken(), ['membarrier']);
  const steps: string[][] = [];
  while (entries.tend()) steps.push(taken());
  t.deepEqual(steps, [['clear 1 0-16384'], ['clear 1 16384-32768'], ['clear 1 32768-40000'], ['put 1 1']]);
  t.deepEqual(taken(), ['select 1']);
  t.is(control.selected, 1);
});

test('row table: a row is broken before the map changes and written after it, and removed before it is deleted there', (t) => {
  const { control, open, built, taken } = staged();
  const entries = built(open());
  t.deepEqual(entries.apply([write(1)]), [{ done: true }]);
  t.deepEqual(taken(), ['break 1 1', 'map update', 'put 1 1']);
  t.deepEqual(entries.apply([remove(1)]), [{ done: true }]);
  t.deepEqual(taken(), ['remove 1 1', 'map delete'], 'its filter bit stays for now');
  const look = (): readonly string[] => {
    while (entries.look().more);
    while (entries.tend());
    return taken().filter((call) => !/^(begin|drop)/.test(call));
  };
  t.deepEqual(look(), ['membarrier', 'forget 1']);
  t.deepEqual(look(), [], 'once');
  control.selected = 2;
  t.deepEqual(look(), ['select 1'], 'whoever chose the other');
});

test('row table: what the map refuses is looked up, and the rows say that', (t) => {
  const { native, stands, open, built, taken } = staged(0);
  const entries = built(open());
  t.deepEqual(entries.apply([write(1)]), [{ done: false, errno: 'E2BIG' }]);
  t.deepEqual(taken(), ['break 1 1', 'map full', 'remove 1 1']);
  stands.set(hex(bytesOf(1)), encodeValue(bytesOf(1), VALUE));
  native.mapDeleteElem = () => EINVAL;
  t.deepEqual(entries.apply([remove(1)]), [{ done: false, errno: 'EINVAL' }]);
  t.deepEqual(taken(), ['remove 1 1', 'put 1 1']);
});

test('row table: what an agent before this one has left is taken away before the first change', (t) => {
  const { control, open, built, taken } = staged();
  control.selected = 2;
  const entries = open();
  entries.lookup([keyOf(1)]);
  t.deepEqual(taken(), []);
  entries.apply([write(1)]);
  t.deepEqual(taken(), ['select 0', 'map update']);
  entries.apply([write(2)]);
  t.deepEqual(taken(), ['map update']);
  control.selected = 1;
  built(entries);
  t.is(control.selected, 2, 'never is a half built that packets may meet');
});

test('row table: what an agent before this one has left is taken away before anything is said of what was read back', (t) => {
  const { control, open, taken } = staged();
  control.selected = 1;
  const entries = open();
  for (const _ of entries.observe());
  t.deepEqual(taken(), ['select 0', 'membarrier']);
  while (entries.tend());
  t.is(control.selected, 2, 'never is a half built that packets met a moment ago');
});

test('row table: what changes while a half is built goes to the live one at once, and to the other before it is selected', (t) => {
  const { control, open, built, taken } = staged();
  const entries = built(open());
  control.gone = ROWS / 8 + 1;
  for (const _ of entries.observe());
  t.deepEqual(taken(), ['membarrier']);
  entries.tend();
  taken();
  entries.apply([write(1)]);
  t.deepEqual(taken(), ['break 1 1', 'map update', 'put 1 1']);
  for (const _ of entries.observe());
  t.deepEqual(taken(), [], 'one at a time');
  while (entries.tend());
  t.deepEqual(taken(), ['clear 2 16384-32768', 'clear 2 32768-40000', 'put 2 1', 'select 2', 'clear 1 0-0']);
  entries.apply([write(1)]);
  t.deepEqual(taken(), ['break 2 1', 'map update', 'put 2 1']);
});

test('row table: one that is written to all the time is built all the same', (t) => {
  const { control, open, built, taken } = staged();
  const entries = built(open());
  control.gone = ROWS / 8 + 1;
  for (const _ of entries.observe());
  for (let n = 0; n < 6; n += 1) {
    entries.apply([write(n)]);
    entries.tend();
  }
  t.is(control.selected, 2);
  t.true(taken().includes('select 2'));
});

test('row table: a look in parts has it say no more than what stands, step by step', (t) => {
  const { stands, open, built, taken } = staged();
  stands.set(hex(bytesOf(1)), encodeValue(bytesOf(1), VALUE));
  const entries = built(open());
  const look = (): void => {
    while (entries.look().more);
  };
  look();
  t.deepEqual(taken(), []);
  while (entries.tend());
  const rows = ['drop 1 0-16384', 'drop 1 16384-32768', 'drop 1 32768-40000'];
  t.deepEqual(taken(), ['begin', 'keep 1 1', ...rows, 'membarrier', 'forget 1']);
  look();
  stands.delete(hex(bytesOf(1)));
  look();
  t.deepEqual(taken(), ['remove 1 1'], 'what went is met no more at once');
});

test('row table: where changes cut each of such checks short, it is done in one go in the end', (t) => {
  const { stands, control, open, built, taken } = staged();
  stands.set(hex(bytesOf(1)), encodeValue(bytesOf(1), VALUE));
  const entries = built(open());
  control.cancels = true;
  const rounds = Array.from({ length: 5 }, () => {
    while (entries.look().more);
    while (entries.tend());
    return taken();
  });
  t.deepEqual(rounds, [['begin'], ['begin'], ['begin'], ['keep only', 'membarrier', 'forget 1'], ['begin']]);
});

test('row table: maps that were made without one have none', (t) => {
  const { native, open, taken } = staged();
  native.tableOpen = () => EINVAL;
  const entries = open();
  for (const _ of entries.observe());
  entries.apply([write(1)]);
  t.deepEqual(taken(), ['map update']);
  t.false(entries.tend());
});

test('row table: where that of one family cannot be opened, the other is not left open', (t) => {
  const { native } = staged();
  const rows6 = { map: 'rows6' } as never;
  const closed: unknown[] = [];
  native.tableOpen = (rows) => (rows === rows6 ? ENOMEM : ('table' as never));
  native.close = (handle) => void closed.push(handle);
  const maps = { redirect4: MAP, redirect6: MAP, rows4: MAP, rows6, filter4: MAP, filter6: MAP };
  const words = { table: () => 0, setTable: () => undefined };
  t.throws(() => openTables(native as Native, maps, words), { instanceOf: KernelError, message: /ENOMEM/ });
  t.deepEqual(closed, ['table']);
});
