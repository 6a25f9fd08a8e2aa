import { loadNative, type MapHandle, type Native, type ObjectHandle } from '../../native/index.ts';
import { BpfObject } from '../support/bpf-object.ts';
import { kernelTests } from '../support/kernel.ts';
import { must } from '../support/must.ts';

const kernel = kernelTests();
const ENOENT = -2;
const EACCES = -13;
const EBUSY = -16;
const EINVAL = -22;
const XDP_DROP = 1;
const XDP = 6;
const HASH = 1;

const SOURCE = `
  const volatile struct { __u32 verdict; __u32 spare; } config = { 2, 0 };
  struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64);
    __uint(pinning, LIBBPF_PIN_BY_NAME); } counts SEC(".maps");
  SEC("xdp") int answer(struct xdp_md *ctx) {
    __u32 key = 5;
    __u64 *count = bpf_map_lookup_elem(&counts, &key);
    if (count) __sync_fetch_and_add(count, 1);
    return config.verdict;
  }
  SEC("xdp") int bad(struct xdp_md *ctx) { return *(char *)(long)ctx->data; }
  SEC("socket") int words(struct __sk_buff *skb) { skb->cb[0] = 7; skb->cb[1] = 8; return 0; }
  char LICENSE[] SEC("license") = "GPL";`;

const run = { dataIn: new Uint8Array(64), ctxIn: null, repeat: 1, dataOutSize: 0, ctxOutSize: 0 };

function open(native: Native, source: BpfObject): ObjectHandle {
  return must('objectOpen', native.objectOpen(source.path));
}

kernel('native object: it is opened, shaped, loaded and run, without its broken program', (t) => {
  using source = new BpfObject(SOURCE);
  const native = loadNative();
  const object = open(native, source);
  const names = must('objectMapNames', native.objectMapNames(object));
  t.true(names.includes('counts'));
  t.is(native.objectSetMaxEntries(object, 'counts', 17), 0);
  t.is(native.objectSetData(object, '.rodata', 0, Uint8Array.of(XDP_DROP)), 0);
  t.is(native.objectSkipProgram(object, 'bad'), 0);
  t.deepEqual(native.objectLoad(object), { rc: 0, log: '' }, 'its map asks to be pinned and is not');
  const program = must('objectProgram', native.objectProgram(object, 'answer'));
  t.is(native.objectProgram(object, 'bad'), EINVAL);
  const map = must('objectMap', native.objectMap(object, 'counts'));
  native.close(object);
  t.is(must('mapInfo', native.mapInfo(map)).maxEntries, 17);
  native.mapUpdateElem(map, Uint8Array.of(5, 0, 0, 0), new Uint8Array(8), 0);
  for (let i = 0; i < 3; i++) t.like(native.programTestRun(program, run), { rc: 0, retval: XDP_DROP });
  t.deepEqual(native.mapLookupElem(map, Uint8Array.of(5, 0, 0, 0), 0), Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0));
  const info = must('programInfo', native.programInfo(program));
  t.like(info, { type: XDP, name: 'answer' });
  t.regex(info.tag, /^[0-9a-f]{16}$/);
  for (const handle of [map, program]) native.close(handle);
});

kernel("native object: a refused program answers the verifier's errno and words", (t) => {
  using source = new BpfObject(SOURCE);
  const native = loadNative();
  const object = open(native, source);
  const { rc, log } = native.objectLoad(object);
  t.is(rc, EACCES);
  t.regex(log, /invalid access to packet/);
  t.is(native.objectLoad(object).rc, EBUSY, 'an object is loaded once');
  native.close(object);
});

kernel('native object: a log of many times its limit keeps the tail, and the errno stays the true one', (t) => {
  using source = new BpfObject(`SEC("xdp") int bad(struct xdp_md *ctx) {
      for (int i = 0; i < 2000; i++) asm volatile("" : "+r"(i));
      return *(char *)(long)ctx->data; }
    char LICENSE[] SEC("license") = "GPL";`);
  const native = loadNative();
  const object = open(native, source);
  const { rc, log } = native.objectLoad(object);
  t.is(rc, EACCES);
  t.is(log.length, 64 * 1024);
  t.regex(log.slice(-2000), /invalid access to packet/);
  native.close(object);
});

kernel('native object: a map that cannot be made is named in the log', (t) => {
  using source = new BpfObject(SOURCE);
  const native = loadNative();
  const object = open(native, source);
  native.objectSetMaxEntries(object, 'counts', 2 ** 32 - 1);
  const { rc, log } = native.objectLoad(object);
  t.true(rc < 0);
  t.regex(log, /counts/);
  native.close(object);
});

kernel('native object: a map handed in is used instead of its own, and lends it its name', (t) => {
  using source = new BpfObject(SOURCE);
  const native = loadNative();
  const map = must('mapCreate', native.mapCreate(HASH, 'mine', 4, 8, 1, 0));
  const object = open(native, source);
  t.is(native.objectReuseMap(object, 'counts', map), 0);
  native.objectSkipProgram(object, 'bad');
  t.is(native.objectLoad(object).rc, 0);
  const used = must('objectMap', native.objectMap(object, 'mine'));
  t.deepEqual(native.mapInfo(used), native.mapInfo(map));
  for (const handle of [object, map, used]) native.close(handle);
});

kernel('native object: data of a section of its own is a map by its name, mapped, and outlives the object', (t) => {
  using source = new BpfObject(`volatile __u32 word SEC(".data.words") = 3;
    SEC("xdp") int answer(struct xdp_md *ctx) { return word; }
    char LICENSE[] SEC("license") = "GPL";`);
  const native = loadNative();
  const load = (map?: MapHandle) => {
    const object = open(native, source);
    if (map !== undefined) t.is(native.objectReuseMap(object, '.data.words', map), 0);
    t.is(native.objectLoad(object).rc, 0);
    const program = must('objectProgram', native.objectProgram(object, 'answer'));
    const words = must('objectMap', native.objectMap(object, '.data.words'));
    native.close(object);
    return { program, words };
  };
  const first = load();
  t.like(native.mapInfo(first.words), { name: '.data.words', keySize: 4, valueSize: 4, maxEntries: 1 });
  t.like(native.programTestRun(first.program, run), { rc: 0, retval: 3 });
  const memory = must('mapMmap', native.mapMmap(first.words, true));
  t.is(native.memoryStoreU32(memory, 0, XDP_DROP), 0);
  t.like(native.programTestRun(first.program, run), { rc: 0, retval: XDP_DROP });
  const second = load(first.words);
  t.deepEqual(native.mapInfo(second.words), native.mapInfo(first.words));
  t.like(native.programTestRun(second.program, run), { rc: 0, retval: XDP_DROP }, 'what stood there stands');
  for (const handle of [memory, ...Object.values(first), ...Object.values(second)]) native.close(handle);
});

kernel('native object: after the load nothing can be changed, and what is absent is ENOENT', (t) => {
  using source = new BpfObject(SOURCE);
  const native = loadNative();
  const object = open(native, source);
  t.is(native.objectMap(object, 'counts'), EINVAL, 'no map before the load');
  t.is(native.objectProgram(object, 'answer'), EINVAL);
  t.is(native.objectSetMaxEntries(object, 'absent', 1), ENOENT);
  t.is(native.objectSkipProgram(object, 'absent'), ENOENT);
  t.is(native.objectSetData(object, 'counts', 0, new Uint8Array(1)), EINVAL, 'it has no initial data');
  t.throws(() => native.objectSetData(object, '.rodata', 5, new Uint8Array(4)), { instanceOf: TypeError });
  native.objectSkipProgram(object, 'bad');
  native.objectLoad(object);
  t.is(native.objectSetData(object, '.rodata', 0, new Uint8Array(1)), EBUSY);
  t.is(native.objectSetMaxEntries(object, 'counts', 1), EBUSY);
  t.is(native.objectSkipProgram(object, 'answer'), EBUSY);
  t.is(native.objectMap(object, 'absent'), ENOENT);
  native.close(object);
});

kernel('native object: raw BTF begins with its magic, and a missing or foreign file is an errno', (t) => {
  using source = new BpfObject(SOURCE);
  const native = loadNative();
  const object = open(native, source);
  const btf = must('objectBtf', native.objectBtf(object));
  t.deepEqual(btf.subarray(0, 3), Uint8Array.of(0x9f, 0xeb, 1));
  native.close(object);
  t.is(native.objectOpen(`${source.path}.absent`), ENOENT);
  t.true((native.objectOpen('/proc/self/stat') as number) < 0);
});

kernel('native program: a test run of a socket filter hands back the words it wrote in its context', (t) => {
  using source = new BpfObject(SOURCE);
  const native = loadNative();
  const object = open(native, source);
  native.objectSkipProgram(object, 'bad');
  native.objectLoad(object);
  const program = must('objectProgram', native.objectProgram(object, 'words'));
  const result = native.programTestRun(program, { ...run, dataIn: new Uint8Array(14), ctxOutSize: 192 });
  t.is(result.rc, 0);
  t.deepEqual([...new Uint32Array(result.ctxOut.buffer, 48, 2)], [7, 8]);
  t.is(native.programTestRun(program, { ...run, dataIn: null }).rc, EINVAL, 'it needs a frame');
  for (const handle of [object, program]) native.close(handle);
});
