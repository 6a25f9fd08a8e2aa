/** Single elements and batches of a hash map, as user space meets them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadNative, type MapHandle } from '../../../native/index.ts';
import { kernelTests } from '../../support/kernel.ts';
import { must } from '../../support/must.ts';
import { LoadedSource, u32, u64 } from './loaded-source.ts';

const kernel = kernelTests();
const native = loadNative();
const HASH = 1;
const DEVMAP_HASH = 25;
const BPF_ANY = 0;
const BPF_NOEXIST = 1;
const BPF_EXIST = 2;
const BPF_F_LOCK = 4;
const ENOENT = -2;
const E2BIG = -7;
const EEXIST = -17;
const EINVAL = -22;
const ENOTSUPP = -524;
const LOOPBACK = 1;

interface TestMap extends Disposable {
  readonly handle: MapHandle;
}

function makeMap(maxEntries: number, type = HASH): TestMap {
  const handle = must('mapCreate', native.mapCreate(type, 'fact', 4, 8, maxEntries, 0));
  return { handle, [Symbol.dispose]: () => native.close(handle) };
}

/** A map of `{ lock, word, number }`. */
function loadLocked(): LoadedSource {
  return new LoadedSource(
    `struct value { struct bpf_spin_lock lock; __u32 word; __u64 number; };
    struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 2); __type(key, __u32); __type(value, struct value); }
      locked SEC(".maps");`,
    { maps: ['locked'] },
  );
}

const put = (map: MapHandle, key: number, value: number, flags: number) =>
  native.mapUpdateElem(map, u32(key), u64(value), flags);
const get = (map: MapHandle, key: number) => native.mapLookupElem(map, u32(key), 0);
const remove = (map: MapHandle, key: number) => native.mapDeleteElem(map, u32(key));
const keysIn = (map: MapHandle) => [...new Uint32Array(native.mapDump(map, 0).keys.buffer)].sort((a, b) => a - b);

kernel('fact update-flags: ANY creates and replaces, NOEXIST only creates, EXIST only replaces', (t) => {
  using map = makeMap(4);
  t.is(put(map.handle, 1, 10, BPF_EXIST), ENOENT);
  t.is(get(map.handle, 1), ENOENT, 'a refused update leaves nothing');
  t.is(put(map.handle, 1, 11, BPF_ANY), 0);
  t.is(put(map.handle, 1, 12, BPF_NOEXIST), EEXIST);
  t.deepEqual(get(map.handle, 1), u64(11), 'a refused update changes nothing');
  t.is(put(map.handle, 1, 13, BPF_EXIST), 0);
  t.is(put(map.handle, 1, 14, BPF_ANY), 0);
  t.deepEqual(get(map.handle, 1), u64(14));
  t.is(put(map.handle, 2, 20, BPF_NOEXIST), 0);
});

kernel('fact delete-absent: deleting a key that is not there is ENOENT, each time', (t) => {
  using map = makeMap(4);
  t.is(remove(map.handle, 1), ENOENT);
  put(map.handle, 1, 1, BPF_ANY);
  t.deepEqual([remove(map.handle, 1), remove(map.handle, 1), remove(map.handle, 1)], [0, ENOENT, ENOENT]);
});

kernel('fact lock-creates: an update under BPF_F_LOCK creates an absent key', (t) => {
  using source = loadLocked();
  const locked = source.map('locked');
  t.is(native.mapUpdateElem(locked, u32(1), u64(0, 42), BPF_F_LOCK), 0);
  t.deepEqual(native.mapLookupElem(locked, u32(1), BPF_F_LOCK), u64(0, 42));
  t.deepEqual(native.mapUpdateBatch(locked, u32(2), u64(0, 43), 1, BPF_F_LOCK), { rc: 0, count: 1 });
  using plain = makeMap(1);
  t.is(put(plain.handle, 1, 1, BPF_F_LOCK), EINVAL, 'a value without a lock');
});

kernel('fact lock-hidden: the lock is no part of what user space writes or reads', (t) => {
  using source = loadLocked();
  const locked = source.map('locked');
  const written = u32(0xffffffff, 7, 8, 0);
  for (const flags of [BPF_ANY, BPF_F_LOCK]) {
    t.is(native.mapUpdateElem(locked, u32(1), written, flags), 0);
    t.deepEqual(native.mapLookupElem(locked, u32(1), flags), u32(0, 7, 8, 0));
  }
});

kernel('fact lookup-copy: what user space looked up is a copy, which later changes do not reach', (t) => {
  using map = makeMap(4);
  put(map.handle, 1, 1, BPF_ANY);
  const copy = must('lookup', get(map.handle, 1));
  copy.fill(0xff);
  t.deepEqual(get(map.handle, 1), u64(1), 'writing to the copy changes nothing in the map');
  put(map.handle, 1, 2, BPF_ANY);
  remove(map.handle, 1);
  t.deepEqual(copy, new Uint8Array(8).fill(0xff));
});

kernel('fact full-map: a full map refuses a new key with E2BIG and takes a new value of an old one', (t) => {
  using map = makeMap(3);
  t.deepEqual(
    [1, 2, 3, 4].map((key) => put(map.handle, key, key, BPF_ANY)),
    [0, 0, 0, E2BIG],
  );
  t.is(put(map.handle, 2, 22, BPF_ANY), 0);
  t.is(remove(map.handle, 1), 0);
  t.is(put(map.handle, 4, 4, BPF_ANY), 0);
});

kernel(
  'fact batch-full: UPDATE_BATCH into a full map stops with E2BIG and the exact count, also in the middle',
  (t) => {
    using map = makeMap(10);
    const keys = u32(...Array(16).keys());
    t.deepEqual(native.mapUpdateBatch(map.handle, keys, new Uint8Array(128), 16, 0), { rc: E2BIG, count: 10 });
    t.deepEqual(keysIn(map.handle), [...Array(10).keys()]);
    const mixed = native.mapUpdateBatch(map.handle, u32(3, 4, 99, 5), u64(30, 40, 990, 50), 4, 0);
    t.deepEqual(mixed, { rc: E2BIG, count: 2 });
    t.deepEqual(
      [3, 4, 5].map((key) => get(map.handle, key)),
      [u64(30), u64(40), u64(0)],
    );
  },
);

kernel('fact batch-delete: DELETE_BATCH stops at the first absent key and leaves the rest', (t) => {
  using map = makeMap(10);
  native.mapUpdateBatch(map.handle, u32(0, 1, 2, 3), u64(0, 1, 2, 3), 4, 0);
  t.deepEqual(native.mapDeleteBatch(map.handle, u32(0, 1, 777, 2), 4), { rc: ENOENT, count: 2 });
  t.deepEqual(keysIn(map.handle), [2, 3]);
  t.deepEqual(native.mapDeleteBatch(map.handle, u32(777, 2), 2), { rc: ENOENT, count: 0 });
});

kernel('fact batch-flags: a batch takes no flag but BPF_F_LOCK', (t) => {
  using map = makeMap(10);
  for (const flags of [BPF_NOEXIST, BPF_EXIST]) {
    const { rc } = native.mapUpdateBatch(map.handle, u32(1, 2), u64(1, 2), 2, flags);
    t.is(rc, EINVAL);
  }
  t.deepEqual(keysIn(map.handle), []);
});

/** bpf(2) itself, on a hash map of 4-byte keys and 8-byte values; prints -errno and the count that the kernel left. */
const RAW_BATCH = `
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int main() {
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.map_type = BPF_MAP_TYPE_HASH;
  attr.key_size = 4;
  attr.value_size = 8;
  attr.max_entries = 4;
  int map = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr);
  unsigned keys[2] = {1, 2};
  unsigned long long values[2] = {1, 2};
  memset(&attr, 0, sizeof attr);
  attr.batch.map_fd = map;
  attr.batch.keys = (unsigned long long)keys;
  attr.batch.values = (unsigned long long)values;
  attr.batch.count = 2;
  attr.batch.elem_flags = BPF_NOEXIST;
  int rc = syscall(SYS_bpf, BPF_MAP_UPDATE_BATCH, &attr, sizeof attr);
  printf("%d %u", rc < 0 ? -errno : rc, attr.batch.count);
}`;

kernel('fact batch-einval: EINVAL leaves the count as it was passed in; the addon answers 0', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'shunt-raw-'));
  try {
    writeFileSync(join(folder, 'raw.cc'), RAW_BATCH);
    execFileSync('g++', ['-o', join(folder, 'raw'), join(folder, 'raw.cc')]);
    t.is(execFileSync(join(folder, 'raw'), { encoding: 'utf8' }), `${EINVAL} 2`);
  } finally {
    rmSync(folder, { recursive: true });
  }
  using map = makeMap(4);
  const result = native.mapUpdateBatch(map.handle, u32(1, 2), u64(1, 2), 2, BPF_NOEXIST);
  t.deepEqual(result, { rc: EINVAL, count: 0 });
});

kernel('fact batch-absent: a devmap hash has no batch update: errno 524', (t) => {
  using ports = makeMap(4, DEVMAP_HASH);
  const { rc } = native.mapUpdateBatch(ports.handle, u32(LOOPBACK), u32(LOOPBACK, 0), 1, 0);
  t.is(rc, ENOTSUPP);
  t.is(native.mapUpdateElem(ports.handle, u32(LOOPBACK), u32(LOOPBACK, 0), 0), 0);
});

kernel('fact walk-delete: a walk whose cursor key was deleted begins anew, and so may never end', (t) => {
  const keys = 1000;
  const bound = 20 * keys;
  using map = makeMap(keys);
  native.mapUpdateBatch(map.handle, u32(...Array(keys).keys()), new Uint8Array(8 * keys), keys, 0);
  const first = must('first', native.mapNextKey(map.handle, null));
  t.deepEqual(native.mapNextKey(map.handle, u32(keys)), first, 'the key after an absent one is the first');
  let visits = 0;
  const seen = new Set<number>();
  for (let key: Uint8Array | number = first; typeof key !== 'number' && visits < bound; visits++) {
    seen.add(new Uint32Array(key.buffer)[0] ?? -1);
    native.mapDeleteElem(map.handle, key);
    const next = native.mapNextKey(map.handle, key);
    native.mapUpdateElem(map.handle, key, u64(0), BPF_ANY); // A writer beside the walk puts it back.
    key = next;
  }
  t.log({ keys, visits, neverSeen: keys - seen.size });
  t.is(visits, bound, 'it had not ended');
  t.true(seen.size < keys, 'nor seen every key');
});

kernel('fact walk-collect: a walk that only collects sees each key once, and deleting them after leaves none', (t) => {
  const keys = 1000;
  using map = makeMap(keys);
  const all = u32(...Array(keys).keys());
  native.mapUpdateBatch(map.handle, all, new Uint8Array(8 * keys), keys, 0);
  const dump = native.mapDump(map.handle, 0);
  t.is(dump.count, keys);
  t.is(new Set(new Uint32Array(dump.keys.buffer)).size, keys);
  t.deepEqual(native.mapDeleteBatch(map.handle, dump.keys, keys), { rc: 0, count: keys });
  t.is(native.mapNextKey(map.handle, null), ENOENT);
});
