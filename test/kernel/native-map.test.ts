import { type BatchResult, loadNative, type MapDump, type MapHandle } from '../../native/index.ts';
import { BpfObject } from '../support/bpf-object.ts';
import { kernelTests } from '../support/kernel.ts';
import { must } from '../support/must.ts';

const kernel = kernelTests();
const HASH = 1;
const ARRAY = 2;
const PERCPU_HASH = 5;
const DEVMAP_HASH = 25;
const BPF_F_NO_PREALLOC = 1;
const BPF_F_MMAPABLE = 1024;
const BPF_NOEXIST = 1;
const BPF_F_LOCK = 4;
const EPERM = -1;
const ENOENT = -2;
const E2BIG = -7;
const EACCES = -13;
const EEXIST = -17;
const EINVAL = -22;
const ENOSPC = -28;
const ENOTSUPP = -524;

/** A map for one test, closed with it. */
class TestMap implements Disposable {
  readonly native = loadNative();
  readonly handle: MapHandle;

  constructor(type: number, valueSize: number, maxEntries: number, flags = 0) {
    this.handle = must('mapCreate', this.native.mapCreate(type, 'snat', 4, valueSize, maxEntries, flags));
  }

  [Symbol.dispose](): void {
    this.native.close(this.handle);
  }
}

const keysOf = (...numbers: readonly number[]) => new Uint8Array(Uint32Array.from(numbers).buffer);
const valuesOf = (...numbers: readonly bigint[]) => new Uint8Array(BigUint64Array.from(numbers).buffer);

function entriesOf({ keys, values }: MapDump): Map<number, bigint> {
  const numbers = new BigUint64Array(values.slice().buffer);
  return new Map([...new Uint32Array(keys.slice().buffer)].map((key, index) => [key, numbers[index] as bigint]));
}

kernel('native map: an element is written, read, refused when it exists, and deleted once', (t) => {
  using map = new TestMap(HASH, 8, 4);
  const { native, handle } = map;
  t.is(native.mapUpdateElem(handle, keysOf(7), valuesOf(2n ** 63n + 1n), 0), 0);
  t.deepEqual(native.mapLookupElem(handle, keysOf(7), 0), valuesOf(2n ** 63n + 1n));
  t.is(native.mapUpdateElem(handle, keysOf(7), valuesOf(1n), BPF_NOEXIST), EEXIST);
  t.is(native.mapDeleteElem(handle, keysOf(7)), 0);
  t.is(native.mapDeleteElem(handle, keysOf(7)), ENOENT);
  t.is(native.mapLookupElem(handle, keysOf(7), 0), ENOENT);
});

kernel('native map: next key walks every key and ends with ENOENT', (t) => {
  using map = new TestMap(HASH, 8, 8);
  const { native, handle } = map;
  native.mapUpdateBatch(handle, keysOf(1, 2, 3), valuesOf(1n, 2n, 3n), 3, 0);
  const seen: number[] = [];
  let key = native.mapNextKey(handle, null);
  while (typeof key !== 'number') {
    seen.push(new Uint32Array(key.buffer)[0] as number);
    key = native.mapNextKey(handle, key);
  }
  t.is(key, ENOENT);
  t.deepEqual(seen.sort(), [1, 2, 3]);
});

kernel('native map: a batch into a full map stops with E2BIG and the exact count', (t) => {
  using map = new TestMap(HASH, 8, 10);
  const keys = keysOf(...Array(16).keys());
  t.deepEqual(map.native.mapUpdateBatch(map.handle, keys, new Uint8Array(128), 16, 0), { rc: E2BIG, count: 10 });
  t.is(map.native.mapDump(map.handle, 0).count, 10);
});

kernel('native map: a delete batch stops at an absent key and leaves the later ones', (t) => {
  using map = new TestMap(HASH, 8, 10);
  const { native, handle } = map;
  native.mapUpdateBatch(handle, keysOf(0, 1, 2), valuesOf(0n, 1n, 2n), 3, 0);
  t.deepEqual(native.mapDeleteBatch(handle, keysOf(0, 1, 777, 2), 4), { rc: ENOENT, count: 2 });
  t.deepEqual([...entriesOf(native.mapDump(handle, 0)).keys()], [2]);
});

kernel('native map: a batch that is refused before its first element counts none', (t) => {
  using map = new TestMap(HASH, 8, 10);
  using ports = new TestMap(DEVMAP_HASH, 8, 10);
  const batch = [keysOf(1, 2), valuesOf(1n, 2n), 2] as const;
  t.deepEqual(map.native.mapUpdateBatch(map.handle, ...batch, BPF_NOEXIST), { rc: EINVAL, count: 0 });
  t.deepEqual(map.native.mapUpdateBatch(ports.handle, ...batch, 0), { rc: ENOTSUPP, count: 0 });
  t.deepEqual(map.native.mapUpdateBatch(map.handle, new Uint8Array(), new Uint8Array(), 0, 0), { rc: 0, count: 0 });
});

kernel('native map: a dump equals what was written, over several batches and crowded buckets', (t) => {
  const written = Array.from({ length: 20_000 }, (_, index) => index);
  using map = new TestMap(HASH, 8, written.length, BPF_F_NO_PREALLOC);
  const values = valuesOf(...written.map((number) => BigInt(number) << 32n));
  const { native, handle } = map;
  t.is(native.mapUpdateBatch(handle, keysOf(...written), values, written.length, 0).rc, 0);
  const dump = native.mapDump(handle, 0);
  t.is(dump.rc, 0);
  t.is(dump.count, written.length);
  const entries = entriesOf(dump);
  t.true(written.every((number) => entries.get(number) === BigInt(number) << 32n));
});

kernel('native map: read in parts, a map is what a dump of it says', (t) => {
  const written = Array.from({ length: 5_000 }, (_, index) => index);
  using map = new TestMap(HASH, 8, written.length, BPF_F_NO_PREALLOC);
  const { native, handle } = map;
  const values = valuesOf(...written.map(BigInt));
  t.is(native.mapUpdateBatch(handle, keysOf(...written), values, written.length, 0).rc, 0);
  const found = new Map<number, bigint>();
  let [from, parts]: [Uint8Array | null, number] = [null, 0];
  const [keys, room] = [new Uint8Array(1_000 * 4), new Uint8Array(1_000 * 8)];
  do {
    const { rc, count, next } = native.mapRead(handle, from, keys, room, 0);
    t.is(rc, 0);
    t.true(count <= 1_000);
    const part = { rc, count, keys: keys.subarray(0, count * 4), values: room.subarray(0, count * 8) };
    for (const [key, value] of entriesOf(part)) found.set(key, value);
    [from, parts] = [next, parts + 1];
  } while (from !== null);
  t.true(parts >= 5);
  t.deepEqual(found, entriesOf(native.mapDump(handle, 0)));
  const read = (map: TestMap, count: number): BatchResult =>
    native.mapRead(map.handle, null, new Uint8Array(count * 4), new Uint8Array(count * 8), 0);
  using crowded = new TestMap(HASH, 8, 2);
  native.mapUpdateBatch(crowded.handle, keysOf(1, 2), valuesOf(1n, 2n), 2, 0);
  const crowd = [1, 2].map((count) => read(crowded, count));
  t.true(
    crowd.some(({ rc, count }) => rc === ENOSPC && count === 0) || crowd[0]?.count === 1,
    'a bucket is read whole',
  );
  t.true((crowd[1]?.count ?? 0) > 0);
  using ports = new TestMap(DEVMAP_HASH, 8, 4);
  t.is(read(ports, 10).rc, ENOTSUPP);
});

kernel('native map: a dump of a map without batches walks it key by key', (t) => {
  using ports = new TestMap(DEVMAP_HASH, 8, 4);
  const empty = { rc: 0, count: 0, keys: new Uint8Array(), values: new Uint8Array() };
  t.deepEqual(ports.native.mapDump(ports.handle, 0), empty);
  const loopback = new Uint8Array(Uint32Array.from([1, 0]).buffer);
  t.is(ports.native.mapUpdateElem(ports.handle, keysOf(9), loopback, 0), 0);
  const dump = ports.native.mapDump(ports.handle, 0);
  t.deepEqual(dump, { rc: 0, count: 1, keys: keysOf(9), values: loopback });
});

kernel('native map: a per-CPU value is 8-byte slots, one for each possible CPU', (t) => {
  using map = new TestMap(PERCPU_HASH, 4, 4);
  const { native, handle } = map;
  const value = Uint8Array.from({ length: 8 * native.possibleCpus() }, (_, index) => (index % 8 < 4 ? index : 0));
  t.throws(() => native.mapUpdateElem(handle, keysOf(1), new Uint8Array(4), 0), { instanceOf: TypeError });
  t.is(native.mapUpdateElem(handle, keysOf(1), value, 0), 0);
  t.deepEqual(native.mapLookupElem(handle, keysOf(1), 0), value);
  t.deepEqual(native.mapDump(handle, 0).values, value);
});

kernel('native map: BPF_F_LOCK reads and writes an element with a spin lock, one by one and in a batch', (t) => {
  using source = new BpfObject(`
    struct value { struct bpf_spin_lock lock; __u32 zero; __u64 number; };
    struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, struct value); }
      locked SEC(".maps");`);
  const native = loadNative();
  const object = must('objectOpen', native.objectOpen(source.path));
  t.deepEqual(native.objectLoad(object), { rc: 0, log: '' });
  const map = must('objectMap', native.objectMap(object, 'locked'));
  native.close(object);
  const value = valuesOf(0n, 42n);
  t.is(native.mapUpdateElem(map, keysOf(1), value, BPF_F_LOCK), 0, 'the flag creates as well');
  t.is(native.mapUpdateElem(map, keysOf(1), valuesOf(0n, 43n), BPF_F_LOCK), 0);
  t.deepEqual(native.mapLookupElem(map, keysOf(1), BPF_F_LOCK), valuesOf(0n, 43n));
  t.deepEqual(native.mapUpdateBatch(map, keysOf(1), value, 1, BPF_F_LOCK), { rc: 0, count: 1 });
  t.deepEqual(native.mapDump(map, BPF_F_LOCK), { rc: 0, count: 1, keys: keysOf(1), values: value });
  native.close(map);
});

kernel('native map: freezing forbids writes and shows in the info', (t) => {
  using map = new TestMap(ARRAY, 8, 1);
  const { native, handle } = map;
  t.is(native.mapFreeze(handle), 0);
  t.is(native.mapUpdateElem(handle, keysOf(0), valuesOf(1n), 0), EPERM);
  const { id, ...info } = must('mapInfo', native.mapInfo(handle));
  t.true(id > 0);
  const sizes = { type: ARRAY, keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };
  t.deepEqual(info, { ...sizes, name: 'snat', frozen: true });
});

kernel('native memory: what is stored in the mapping is in the map, and the other way about', (t) => {
  using map = new TestMap(ARRAY, 12, 3, BPF_F_MMAPABLE);
  const { native, handle } = map;
  const memory = must('mapMmap', native.mapMmap(handle, true));
  t.is(native.memorySize(memory), 48, 'elements stand 8 bytes apart');
  t.is(native.memoryStoreU32(memory, 20, 0xdeadbeef), 0);
  t.is(native.memoryWrite(memory, 33, Uint8Array.of(1, 2, 3)), 0);
  t.deepEqual(native.mapLookupElem(handle, keysOf(1), 0), keysOf(0, 0xdeadbeef, 0));
  native.mapUpdateElem(handle, keysOf(0), keysOf(5, 6, 7), 0);
  t.deepEqual(native.memoryRead(memory, 0, 12), keysOf(5, 6, 7));
  t.deepEqual(native.memoryRead(memory, 31, 6), Uint8Array.of(0, 0, 1, 2, 3, 0));
  t.throws(() => native.memoryRead(memory, 41, 8), { instanceOf: TypeError });
  t.throws(() => native.memoryStoreU32(memory, 48, 1), { instanceOf: TypeError });
  t.throws(() => native.memoryStoreU32(memory, 2, 1), { instanceOf: TypeError });
  native.close(memory);
});

kernel('native memory: of each column the largest word of all rows', (t) => {
  using map = new TestMap(ARRAY, 16, 6, BPF_F_MMAPABLE);
  const { native, handle } = map;
  const seen = [3n, 2n ** 53n - 1n, 0n, 9n, 5n, 0n];
  for (const [n, value] of seen.entries()) native.mapUpdateElem(handle, keysOf(n), valuesOf(77n, value), 0);
  const memory = must('mapMmap', native.mapMmap(handle, false));
  t.deepEqual(native.memoryMax(memory, 8, 16, 3, 2), Float64Array.of(9, 2 ** 53 - 1, 0));
  t.deepEqual(native.memoryMax(memory, 8, 16, 1, 6), Float64Array.of(2 ** 53 - 1));
  for (const [offset, stride, count, rows] of [
    ...[[4, 16, 3, 2] as const, [8, 12, 3, 2] as const, [8, 0, 3, 2] as const],
    ...[[8, 16, 4, 2] as const, [8, 16, 0, 2] as const, [8, 16, 3, 0] as const, [96, 16, 1, 1] as const],
  ])
    t.throws(() => native.memoryMax(memory, offset, stride, count, rows), { instanceOf: TypeError });
  native.close(memory);
});

kernel('native memory: of each column the sums of words that stand beside each other, over all rows', (t) => {
  using map = new TestMap(ARRAY, 24, 6, BPF_F_MMAPABLE);
  const { native, handle } = map;
  const counts = [3n, 2n ** 53n - 10n, 0n, 9n, 5n, 2n ** 63n];
  for (const [n, value] of counts.entries())
    native.mapUpdateElem(handle, keysOf(n), valuesOf(77n, value, value + 1n), 0);
  const memory = must('mapMmap', native.mapMmap(handle, false));
  const sums = (offset: number, stride: number, count: number, rows: number, words: number) => {
    const doubles = new Float64Array(count * words).fill(Number.NaN);
    const bytes = new Uint8Array(doubles.buffer);
    return native.memorySum(memory, offset, stride, count, rows, words, bytes) === 0 ? doubles : undefined;
  };
  t.deepEqual(sums(8, 24, 3, 2, 2), Float64Array.of(12, 2 ** 53 - 5, 2 ** 63, 14, 2 ** 53 - 3, 2 ** 63));
  t.deepEqual(sums(0, 24, 1, 6, 1), Float64Array.of(6 * 77));
  for (const [offset, stride, count, rows, words] of [
    ...[[4, 24, 3, 2, 1] as const, [8, 12, 3, 2, 1] as const, [8, 0, 3, 2, 1] as const, [8, 24, 4, 2, 1] as const],
    ...[[8, 24, 0, 2, 1] as const, [8, 24, 3, 0, 1] as const, [8, 24, 3, 2, 0] as const, [8, 24, 3, 2, 4] as const],
    ...[[16, 24, 3, 2, 2] as const, [144, 24, 1, 1, 1] as const],
  ])
    t.throws(() => sums(offset, stride, count, rows, words), { instanceOf: TypeError });
  const unaligned = new Uint8Array(16).subarray(4, 12);
  t.throws(() => native.memorySum(memory, 0, 24, 1, 6, 1, unaligned), { instanceOf: TypeError });
  native.close(memory);
});

kernel('native memory: counts are moved from one map to another, each whole', (t) => {
  using here = new TestMap(ARRAY, 16, 2, BPF_F_MMAPABLE);
  using there = new TestMap(ARRAY, 8, 3, BPF_F_MMAPABLE);
  const { native } = here;
  for (const n of [0, 1]) native.mapUpdateElem(here.handle, keysOf(n), valuesOf(10n + BigInt(n), 2n ** 63n), 0);
  for (const n of [0, 1, 2]) native.mapUpdateElem(there.handle, keysOf(n), valuesOf(100n), 0);
  const [from, to] = [here, there].map(({ handle }) => must('mapMmap', native.mapMmap(handle, true)));
  const readOnly = must('mapMmap', native.mapMmap(there.handle, false));
  if (from === undefined || to === undefined) return t.fail('nothing mapped');
  t.is(native.memoryMove(from, to, valuesOf(0n, 16n, 24n, 0n, 24n, 0n)), 0);
  t.deepEqual(native.memoryRead(from, 0, 32), valuesOf(0n, 2n ** 63n, 11n, 0n));
  t.deepEqual(native.memoryRead(to, 0, 24), valuesOf(100n + 2n ** 63n, 100n, 110n));
  t.is(native.memoryMove(from, to, new Uint8Array(0)), 0);
  t.is(native.memoryMove(from, readOnly, valuesOf(0n, 0n)), EACCES);
  for (const moves of [
    valuesOf(0n),
    valuesOf(32n, 0n),
    valuesOf(0n, 24n),
    valuesOf(4n, 0n),
    valuesOf(2n ** 64n - 8n, 0n),
  ])
    t.throws(() => native.memoryMove(from, to, moves), { instanceOf: TypeError });
  t.deepEqual(native.memoryRead(to, 0, 24), valuesOf(100n + 2n ** 63n, 100n, 110n));
  for (const memory of [from, to, readOnly]) native.close(memory);
  return undefined;
});

kernel('native memory: a read-only mapping reads, refuses to write, and outlives its map handle', (t) => {
  const map = new TestMap(ARRAY, 8, 1, BPF_F_MMAPABLE);
  const { native, handle } = map;
  const memory = must('mapMmap', native.mapMmap(handle, false));
  native.mapUpdateElem(handle, keysOf(0), valuesOf(9n), 0);
  map[Symbol.dispose]();
  t.deepEqual(native.memoryRead(memory, 0, 8), valuesOf(9n));
  t.is(native.memoryStoreU32(memory, 0, 1), EACCES);
  t.is(native.memoryWrite(memory, 0, valuesOf(1n)), EACCES);
  native.close(memory);
});

kernel('native memory: a map that is not mappable says so', (t) => {
  using map = new TestMap(ARRAY, 8, 1);
  t.is(map.native.mapMmap(map.handle, false), EINVAL);
});
