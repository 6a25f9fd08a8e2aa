import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { LIMITS, PASS_REASONS, type PassReason, STRUCTS, VERDICTS, type Verdict } from '../../agent/kernel/abi.ts';
import { encodeAbout, encodeConfig } from '../../agent/kernel/about.ts';
import { LITTLE_ENDIAN } from '../../agent/kernel/check.ts';
import { runClock } from '../../agent/kernel/clock-program.ts';
import { decodeStat, encodeKey, encodeValue } from '../../agent/kernel/layout.ts';
import { objectName } from '../../agent/kernel/pins.ts';
import { encodeShapes, listAt } from '../../agent/kernel/shapes.ts';
import { tableSize } from '../../agent/kernel/table-size.ts';
import type { Counter } from '../../agent/model/counter.ts';
import type { EntryValue } from '../../agent/model/entry.ts';
import { loadNative, type MapHandle, type Native, type ProgramHandle } from '../../native/index.ts';
import { familyOf, parseMatch } from '../../protocol/match.ts';
import { compareShapes, shapeOf, shapeText } from '../../protocol/shape.ts';
import { must } from '../support/must.ts';

const OBJECT = fileURLToPath(new URL('../../bpf/build/redirect.bpf.o', import.meta.url));
const BPF_F_LOCK = 4;
const CONTROL = STRUCTS.control;
const MAP_NAMES = [
  'redirect4',
  'redirect6',
  'stats',
  'passed',
  'verdicts',
  'control',
  'shapes',
  'ports',
  'about',
  'protect',
  'rows4',
  'rows6',
  'filter4',
  'filter6',
] as const;
type MapName = (typeof MAP_NAMES)[number];

/** A test-run takes place on the loopback device, so packets come in there. */
export const INGRESS = 1;
/** Stands in `ports`: a devmap key of its own, which leads to the loopback device. */
export const EGRESS = 77;
export const SLOTS = 64;
export const TARGET_MAC = '02:00:00:00:00:01';
export const EGRESS_MAC = '02:00:00:00:00:02';

export const SEND: EntryValue = {
  rev: 7,
  until: 0n,
  slot: 1,
  ifindex: EGRESS,
  action: 'send',
  keepTtl: false,
  mtu: 1500,
  dmac: TARGET_MAC,
  smac: EGRESS_MAC,
};

export const XDP = ['ABORTED', 'DROP', 'PASS', 'TX', 'REDIRECT'] as const;

export interface Ran {
  readonly xdp: (typeof XDP)[number];
  readonly verdict: Verdict;
  readonly data: Uint8Array;
}

/** An entry as a test writes it; the value is SEND but for what is given. */
export interface Entry extends Partial<EntryValue> {
  readonly match: Readonly<Record<string, unknown>>;
  readonly zone?: number;
}

/** The real program, loaded with maps of its own and nothing pinned; it goes with its handles. */
export class LoadedProgram implements Disposable {
  readonly native: Native = loadNative();
  readonly cpuRows: number;
  readonly #program: ProgramHandle;
  readonly #clock: ProgramHandle;
  readonly #maps: Record<MapName, MapHandle>;

  /**
   * `entries` is the size of each redirect map, and so of their hash tables; `path` that of the object; `rowBits` as the
   * loader's, 0: no table.
   */
  constructor({ cpuRows = availableParallelism(), entries = 4 * SLOTS, path = OBJECT, rowBits = 0 } = {}) {
    const { native } = this;
    this.cpuRows = cpuRows;
    const object = must('objectOpen', native.objectOpen(path));
    for (const map of ['redirect4', 'redirect6']) native.objectSetMaxEntries(object, map, entries);
    native.objectSetMaxEntries(object, 'stats', (cpuRows + 1) * SLOTS);
    native.objectSetMaxEntries(object, 'passed', PASS_REASONS.length * SLOTS);
    const { rows, filter } = tableSize(rowBits);
    for (const map of ['rows4', 'rows6']) native.objectSetMaxEntries(object, map, rows);
    for (const map of ['filter4', 'filter6']) native.objectSetMaxEntries(object, map, filter);
    native.objectSetData(object, '.rodata', 0, encodeConfig({ slots: SLOTS, cpuRows, rowBits }));
    const { rc, log } = native.objectLoad(object);
    if (rc !== 0) throw new Error(`the program does not load: errno ${-rc}\n${log}`);
    const maps = MAP_NAMES.map((name) => [name, must(name, native.objectMap(object, objectName(name)))]);
    this.#maps = Object.fromEntries(maps) as Record<MapName, MapHandle>;
    this.#program = must('shunt', native.objectProgram(object, 'shunt'));
    this.#clock = must('clock', native.objectProgram(object, 'clock'));
    native.close(object);
    this.#update('ports', u32(EGRESS), u32(INGRESS));
  }

  get maps(): Readonly<Record<MapName, MapHandle>> {
    return this.#maps;
  }

  /** As what somebody else attaches. */
  get program(): ProgramHandle {
    return this.#program;
  }

  /** Writes the entries and makes their shapes live. */
  install(...entries: readonly Entry[]): this {
    const matches = entries.map(({ match }) => parseMatch(match));
    for (const [index, { match: _, zone = 0, ...value }] of entries.entries()) {
      const match = matches[index];
      if (match === undefined) continue;
      const key = encodeKey(match, zone);
      this.write(key, encodeValue(key, { ...SEND, ...value }));
    }
    for (const family of [4, 6] as const) {
      const all = matches.filter((match) => familyOf(match) === family).map(shapeOf);
      const shapes = [...new Map(all.map((shape) => [shapeText(shape), shape])).values()].sort(compareShapes);
      this.setShapes(0, family, encodeShapes(family, shapes));
    }
    return this;
  }

  /** Writes one entry as it is. */
  write(key: Uint8Array, value: Uint8Array): void {
    this.#update(key.length === STRUCTS.key4.size ? 'redirect4' : 'redirect6', key, value, BPF_F_LOCK);
  }

  /** Takes an entry away. */
  erase(key: Uint8Array): void {
    this.#delete(key.length === STRUCTS.key4.size ? 'redirect4' : 'redirect6', key);
  }

  /** Lets frames be redirected to an ifindex; they go to the loopback device. */
  addPort(ifindex: number): void {
    this.#update('ports', u32(ifindex), u32(INGRESS));
  }

  removePort(ifindex: number): void {
    this.#delete('ports', u32(ifindex));
  }

  /** Sets one word of `control`, at an offset of its struct. */
  setControl(offset: number, value: number): void {
    const words = must('control', this.native.mapLookupElem(this.#maps.control, u32(0), 0));
    words.set(u32(value), offset);
    this.#update('control', u32(0), words);
  }

  /** Every element of an array. */
  setAll(map: MapName, values: Uint8Array): void {
    const { valueSize } = must(map, this.native.mapInfo(this.#maps[map]));
    const keys = new Uint8Array(Uint32Array.from({ length: values.length / valueSize }, (_, index) => index).buffer);
    const { rc } = this.native.mapUpdateBatch(this.#maps[map], keys, values, keys.length / 4, 0);
    if (rc !== 0) throw new Error(`${map}: errno ${-rc}`);
  }

  setBypass(on: boolean): void {
    this.setControl(CONTROL.bypass, Number(on));
  }

  setShapes(list: 0 | 1, family: 4 | 6, bytes: Uint8Array): void {
    const all = must('shapes', this.native.mapLookupElem(this.#maps.shapes, u32(0), 0));
    all.set(bytes, listAt(family, list).offset);
    this.#update('shapes', u32(0), all);
  }

  /** One of the two lists of protected matches; the word that selects one is in the first. */
  setProtect(list: 0 | 1, bytes: Uint8Array): void {
    this.#update('protect', u32(list), bytes);
  }

  /** Ifindex by zone. `instance` of the maps stands right behind them. */
  setZones(zones: readonly number[], instance = '00'.repeat(16)): void {
    const maps = {
      redirect4: 0,
      redirect6: 0,
      stats: 0,
      ports: 0,
      shapes: 0,
      control: 0,
      verdicts: 0,
      losses: 0,
    };
    const rest = {
      layout: LIMITS.SHUNT_LAYOUT,
      hz: 1,
      slots: SLOTS,
      cpuRows: this.cpuRows,
      netns: 0n,
      maps,
      program: 0,
    };
    this.#update('about', u32(0), encodeAbout({ ...rest, zones, instance }));
  }

  /** Runs one frame through. Errors: Error unless exactly one verdict was counted, once. */
  run(frame: Uint8Array): Ran {
    const before = this.verdicts();
    const { rc, retval, dataOut } = this.#testRun(frame, 1);
    if (rc !== 0) throw new Error(`test-run: errno ${-rc}`);
    const counted = this.verdicts().map((packets, index) => packets - (before[index] ?? 0n));
    const index = counted.indexOf(1n);
    const verdict = VERDICTS[index];
    const xdp = XDP[retval];
    if (verdict === undefined || xdp === undefined || counted.some((packets, at) => packets !== 0n && at !== index)) {
      throw new Error(`retval ${retval}, verdicts counted ${counted}`);
    }
    return { xdp, verdict, data: dataOut };
  }

  /** Runs one frame through and answers what it became, without looking at counters. */
  rewrite(frame: Uint8Array): Uint8Array {
    const { rc, dataOut } = this.#testRun(frame, 1);
    if (rc !== 0) throw new Error(`test-run: errno ${-rc}`);
    return dataOut;
  }

  /** Runs one frame through that came in by an interface of this network namespace, without looking at counters. */
  pass(frame: Uint8Array, ingress: number): Pick<Ran, 'xdp' | 'data'> {
    const context = new Uint32Array([0, frame.length, 0, ingress, 0, 0]);
    const { rc, retval, dataOut } = this.#testRun(frame, 1, new Uint8Array(context.buffer));
    const xdp = XDP[retval];
    if (rc !== 0 || xdp === undefined) throw new Error(`test-run: errno ${-rc}, retval ${retval}`);
    return { xdp, data: dataOut };
  }

  /** Pins a map, for another thread to open; whoever owns the bpffs takes the pin away. */
  pin(map: MapName, path: string): void {
    const rc = this.native.mapPin(this.#maps[map], path);
    if (rc !== 0) throw new Error(`pin ${path}: errno ${-rc}`);
  }

  /** Runs one frame through many times; the time of one in nanoseconds. */
  repeat(frame: Uint8Array, times: number): number {
    const { rc, durationNs } = this.#testRun(frame, times);
    if (rc !== 0) throw new Error(`test-run: errno ${-rc}`);
    return durationNs;
  }

  /** The values of a map whose keys are 0 and so on, one after the other; of `verdicts` there is one a CPU. */
  values(map: 'stats' | 'passed' | 'verdicts'): Uint8Array {
    const { rc, values } = this.native.mapDump(this.#maps[map], 0);
    if (rc !== 0) throw new Error(`${map}: errno ${-rc}`);
    return values;
  }

  /** Packets by verdict, over all CPUs. */
  verdicts(): bigint[] {
    return Array.from({ length: VERDICTS.length }, (_, index) => {
      const cpus = must('verdicts', this.native.mapLookupElem(this.#maps.verdicts, u32(index), 0));
      return new BigUint64Array(cpus.slice().buffer).reduce((sum, packets) => sum + packets, 0n);
    });
  }

  /** One row of `stats`. */
  stat(row: number): Counter {
    return decodeStat(must('stats', this.native.mapLookupElem(this.#maps.stats, u32(row), 0)));
  }

  /** The counts of a slot over all rows. */
  counter(slot: number): Counter {
    const rows = Array.from({ length: this.cpuRows + 1 }, (_, cpu) => this.stat(cpu * SLOTS + slot));
    return rows.reduce((sum, row) => ({
      packets: sum.packets + row.packets,
      bytes: sum.bytes + row.bytes,
      seen: [sum.seen, row.seen].sort((a, b) => Number(b - a))[0] ?? 0n,
    }));
  }

  /** Hits that were passed, by reason and slot; those that there were. */
  passed(): Partial<Record<PassReason, Record<number, number>>> {
    const found: Partial<Record<PassReason, Record<number, number>>> = {};
    for (let row = 0; row < PASS_REASONS.length * SLOTS; row++) {
      const bytes = must('passed', this.native.mapLookupElem(this.#maps.passed, u32(row), 0));
      const packets = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, LITTLE_ENDIAN));
      const reason = PASS_REASONS[Math.floor(row / SLOTS)];
      if (packets > 0 && reason !== undefined) found[reason] = { ...found[reason], [row % SLOTS]: packets };
    }
    return found;
  }

  /** The kernel's jiffies64, by the program `clock`. */
  now(): bigint {
    const jiffies = runClock(this.native, this.#clock);
    if (typeof jiffies === 'number') throw new Error(`clock: errno ${-jiffies}`);
    return jiffies;
  }

  [Symbol.dispose](): void {
    for (const handle of [this.#program, this.#clock, ...Object.values(this.#maps)]) this.native.close(handle);
  }

  #testRun(frame: Uint8Array, repeat: number, ctxIn: Uint8Array | null = null) {
    const run = { dataIn: frame, ctxIn, repeat, dataOutSize: frame.length + 64, ctxOutSize: 0 };
    return this.native.programTestRun(this.#program, run);
  }

  #delete(map: MapName, key: Uint8Array): void {
    const rc = this.native.mapDeleteElem(this.#maps[map], key);
    if (rc !== 0) throw new Error(`${map}: errno ${-rc}`);
  }

  #update(map: MapName, key: Uint8Array, value: Uint8Array, flags = 0): void {
    const rc = this.native.mapUpdateElem(this.#maps[map], key, value, flags);
    if (rc !== 0) throw new Error(`${map}: errno ${-rc}`);
  }
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, LITTLE_ENDIAN);
  return bytes;
}
