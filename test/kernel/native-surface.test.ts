import { readFileSync } from 'node:fs';
import { STRUCTS } from '../../agent/kernel/abi.ts';
import { type AnyHandle, loadNative, type Native } from '../../native/index.ts';
import { BpfObject } from '../support/bpf-object.ts';
import { kernelTests } from '../support/kernel.ts';

const kernel = kernelTests();
const EBADF = -9;
const ARRAY = 2;
const BPF_F_MMAPABLE = 1024;

type Call = (...args: unknown[]) => unknown;

interface Param {
  readonly valid: unknown;
  /** Does this piece of junk happen to be a good argument here? */
  readonly takes?: (junk: unknown) => boolean;
}

/** Closed handles, one of each kind: a call with right arguments answers EBADF and touches nothing. */
function closedHandles(native: Native) {
  using source = new BpfObject(
    'SEC("xdp") int pass(struct xdp_md *ctx) { return XDP_PASS; } char LICENSE[] SEC("license") = "GPL";',
  );
  const must = <T>(value: T | number): T => {
    if (typeof value === 'number') throw new Error(`errno ${value}`);
    return value;
  };
  const object = must(native.objectOpen(source.path));
  native.objectLoad(object);
  const map = must(native.mapCreate(ARRAY, 'snat_surface', 4, 8, 1, BPF_F_MMAPABLE));
  const rows = must(native.mapCreate(ARRAY, 'snat_rows', 4, STRUCTS.row6.size, 16, BPF_F_MMAPABLE));
  const filter = must(native.mapCreate(ARRAY, 'snat_filter', 4, 8, 2, BPF_F_MMAPABLE));
  const handles = {
    object,
    map,
    program: must(native.objectProgram(object, 'pass')),
    memory: must(native.mapMmap(map, false)),
    table: must(native.tableOpen(rows, filter)),
    rows,
    filter,
    lock: must(native.lockFile(`${source.path}.lock`)),
    subscription: must(native.netSubscribe(() => {})),
  };
  for (const handle of Object.values(handles)) native.close(handle as AnyHandle);
  return handles;
}

/** Right arguments for every function that takes any; a link handle needs a netdev, so links come in native-net. */
function signatures(native: Native): Record<string, readonly Param[]> {
  const handles = closedHandles(native);
  const u32 = (valid: number): Param => ({ valid });
  const handle = (kind: keyof typeof handles): Param => ({ valid: handles[kind] });
  const text: Param = { valid: '/nonexistent/snat' };
  const boolean: Param = { valid: true, takes: (junk) => typeof junk === 'boolean' };
  const bytes = (size: number): Param => ({ valid: new Uint8Array(size) });
  const keyOrNull: Param = { valid: new Uint8Array(4), takes: (junk) => junk === null };
  const run = { dataIn: null, ctxIn: null, repeat: 1, dataOutSize: 0, ctxOutSize: 0 };
  return {
    close: [handle('map')],
    objectOpen: [text],
    objectMapNames: [handle('object')],
    objectSetMaxEntries: [handle('object'), text, u32(1)],
    objectSetData: [handle('object'), text, u32(0), bytes(1)],
    objectReuseMap: [handle('object'), text, handle('map')],
    objectSkipProgram: [handle('object'), text],
    objectLoad: [handle('object')],
    objectMap: [handle('object'), text],
    objectProgram: [handle('object'), text],
    objectBtf: [handle('object')],
    mapCreate: [u32(1), { valid: 'snat' }, u32(4), u32(4), u32(1), u32(0)],
    mapOpen: [text, boolean],
    mapPin: [handle('map'), text],
    mapInfo: [handle('map')],
    mapFreeze: [handle('map')],
    mapLookupElem: [handle('map'), bytes(4), u32(0)],
    mapUpdateElem: [handle('map'), bytes(4), bytes(8), u32(0)],
    mapDeleteElem: [handle('map'), bytes(4)],
    mapNextKey: [handle('map'), keyOrNull],
    mapUpdateBatch: [handle('map'), bytes(8), bytes(16), u32(2), u32(0)],
    mapDeleteBatch: [handle('map'), bytes(8), u32(2)],
    mapDump: [handle('map'), u32(0)],
    mapRead: [handle('map'), keyOrNull, bytes(8), bytes(16), u32(0)],
    mapMmap: [handle('map'), boolean],
    mapMmapPages: [handle('map'), boolean],
    memorySize: [handle('memory')],
    memoryRead: [handle('memory'), u32(0), u32(8)],
    memoryStoreU32: [handle('memory'), u32(0), u32(1)],
    memoryWrite: [handle('memory'), u32(0), bytes(8)],
    memoryMax: [handle('memory'), u32(0), u32(8), u32(1), u32(1)],
    memorySum: [handle('memory'), u32(0), u32(8), u32(1), u32(1), u32(1), bytes(8)],
    memoryMove: [handle('memory'), handle('memory'), bytes(16)],
    tableOpen: [handle('rows'), handle('filter')],
    tableClear: [handle('table'), u32(1), u32(0), u32(8)],
    tablePut: [handle('table'), u32(1), bytes(80), bytes(96), u32(2)],
    tableBreak: [handle('table'), u32(1), bytes(80), u32(2)],
    tableRemove: [handle('table'), u32(1), bytes(80), u32(2)],
    tableForget: [handle('table'), u32(2)],
    tableDiffering: [handle('table'), u32(1), bytes(80), bytes(96), u32(2)],
    tableKeepOnly: [handle('table'), u32(1), bytes(80), u32(2)],
    tableBeginKeeping: [handle('table'), u32(1)],
    tableKeep: [handle('table'), u32(1), bytes(80), u32(2)],
    tableDropRest: [handle('table'), u32(1), u32(0), u32(8)],
    tableCounts: [handle('table'), u32(2)],
    programOpen: [text],
    programPin: [handle('program'), text],
    programInfo: [handle('program')],
    programTestRun: [handle('program'), { valid: run }],
    linkCreateXdp: [handle('program'), u32(1), u32(0)],
    programAttachRawTracepoint: [handle('program'), text],
    linkOpen: [text],
    netRouteGet: [bytes(4), u32(0)],
    netNexthopGet: [u32(1)],
    netSubscribe: [{ valid: () => {}, takes: (junk) => typeof junk === 'function' }],
    netOffloads: [u32(1), { ...text, takes: (junk) => junk === null }],
    netSetOffload: [u32(1), text, boolean],
    netNamespaceId: [text],
    netProbe: [u32(1), bytes(4)],
    lockFile: [text],
    lockFolder: [text],
    mountBpf: [text],
  };
}

const WITHOUT_ARGUMENTS = [
  'netLinks',
  'netNeighbours',
  'netFeatures',
  'membarrierGlobal',
  'mallocTrim',
  'possibleCpus',
];
const OF_LINKS = ['linkPin', 'linkUpdate', 'linkDetach', 'linkInfo', 'linkProgram'];

/** Values that no parameter takes, but for the exceptions that its `takes` names. */
function junkFor(lock: unknown): readonly unknown[] {
  const detached = new Uint8Array(8);
  structuredClone(detached, { transfer: [detached.buffer] });
  const shared = new Uint8Array(new SharedArrayBuffer(8));
  const scalars = [undefined, null, false, '', 'nul\0within', -1, 1.5, 2 ** 32, Number.NaN, 1n, Symbol('snat')];
  const views = [new Uint16Array(4), new DataView(new ArrayBuffer(8)), new ArrayBuffer(8), detached, shared];
  return [...scalars, ...views, {}, [], () => {}, new Proxy({}, {}), lock, structuredClone(lock)];
}

kernel('native: the binary exports exactly what the typed surface names', (t) => {
  const source = readFileSync(new URL('../../native/index.ts', import.meta.url), 'utf8');
  const [, body = ''] = source.split('export interface Native {');
  const named = [...body.matchAll(/^ {2}(\w+)\(/gm)].map(([, name]) => name as string);
  t.deepEqual(Object.keys(loadNative()).sort(), named.sort());
  const covered = [...Object.keys(signatures(loadNative())), ...WITHOUT_ARGUMENTS, ...OF_LINKS];
  t.deepEqual(covered.sort(), named, 'this file knows every function');
});

kernel('native: every wrong argument in every place is a TypeError', (t) => {
  const native = loadNative();
  const table = signatures(native);
  const { lock } = closedHandles(native);
  for (const [name, params] of Object.entries(table)) {
    const call = native[name as keyof Native] as Call;
    params.forEach((param, place) => {
      for (const junk of junkFor(lock)) {
        if (param.takes?.(junk) || (name === 'close' && junk === lock)) continue;
        const args = params.map(({ valid }, index) => (index === place ? junk : valid));
        t.throws(() => call(...args), { instanceOf: TypeError }, `${name}, argument ${place}: ${typeof junk}`);
      }
      const tooFew = params.slice(0, place).map(({ valid }) => valid);
      t.throws(() => call(...tooFew), { instanceOf: TypeError }, `${name} with ${place} arguments`);
    });
  }
});

kernel('native: a buffer of the wrong length is a TypeError, one byte off or many', (t) => {
  const native = loadNative();
  for (const [name, params] of Object.entries(signatures(native))) {
    if (['memoryWrite', 'memoryMove', 'objectSetData'].includes(name)) continue; // any length that fits is right there
    params.forEach(({ valid }, place) => {
      if (!(valid instanceof Uint8Array)) return;
      for (const size of [0, valid.length - 1, valid.length + 1, 4096]) {
        const args = params.map((param, index) => (index === place ? new Uint8Array(size) : param.valid));
        t.throws(() => (native[name as keyof Native] as Call)(...args), { instanceOf: TypeError }, `${name} ${size}`);
      }
    });
  }
});

kernel('native: a closed handle answers EBADF in every function, and closes again', (t) => {
  const native = loadNative();
  for (const [name, params] of Object.entries(signatures(native))) {
    const [first] = params;
    if (name === 'close' || typeof first?.valid !== 'object' || first.valid instanceof Uint8Array) continue;
    const answer = (native[name as keyof Native] as Call)(...params.map(({ valid }) => valid));
    t.is(typeof answer === 'object' ? (answer as { rc: number }).rc : answer, EBADF, name);
    t.notThrows(() => native.close(first.valid as AnyHandle), name);
  }
});

kernel('native: the heap of C says whether it had anything to give back', (t) => {
  t.true([0, 1].includes(loadNative().mallocTrim()));
});

kernel('native: a test run refuses a field that is missing or of the wrong type', (t) => {
  const native = loadNative();
  const { program } = closedHandles(native);
  const run = { dataIn: null, ctxIn: null, repeat: 1, dataOutSize: 0, ctxOutSize: 0 };
  const wrong = [
    ...Object.keys(run).map((field) => ({ ...run, [field]: undefined })),
    { ...run, dataIn: 'x' },
    { ...run, dataOutSize: 2 ** 31 },
  ];
  for (const value of wrong) t.throws(() => native.programTestRun(program, value as never), { instanceOf: TypeError });
  const dataIn = new Uint8Array(64);
  const detaching = {
    ...run,
    dataIn,
    get repeat() {
      return structuredClone(dataIn, { transfer: [dataIn.buffer] }).length;
    },
  };
  t.throws(() => native.programTestRun(program, detaching), { instanceOf: TypeError });
  const throwing = {
    ...run,
    get ctxIn(): never {
      throw new RangeError('mine');
    },
  };
  t.throws(() => native.programTestRun(program, throwing), { instanceOf: RangeError, message: 'mine' });
});
