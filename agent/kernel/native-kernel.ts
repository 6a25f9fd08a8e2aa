import type { MapHandle, Native } from '../../native/index.ts';
import { parseAddress } from '../../protocol/address.ts';
import type { EntryKey } from '../model/entry-key.ts';
import type { Mark } from '../model/mark.ts';
import type { Network, NextHop, NextHopQuery } from '../model/network.ts';
import { type Op, type OpResult, runsOf } from '../model/op.ts';
import type { Counter, Kernel, KernelClock, Losses, Observed, ObservedEntry } from '../ports.ts';
import type { About } from './about.ts';
import { CLOCK_CONTEXT_BYTES, decodeClock } from './about.ts';
import { u32 } from './bytes.ts';
import { LITTLE_ENDIAN } from './check.ts';
import { Control } from './control.ts';
import { EntryMaps } from './entry-maps.ts';
import { errnoName, requireDone, requireValue } from './errno.ts';
import { Neighbours, observeNetdevs, resolveNextHop } from './netdevs.ts';
import { type OpenMaps, openMaps, readAbout, requireOwn, requireSamePins } from './open-maps.ts';
import { type PinPaths, pinPaths } from './pins.ts';
import { Stats } from './stats.ts';
import { readLosses, readVerdicts } from './traffic.ts';

const ENOENT = 2;

/** The kernel through the pinned maps and rtnetlink. Needs no capability; the pins' file modes are what lets it in. */
export class NativeKernel implements Kernel, Disposable {
  readonly slots: number;
  readonly instance: string;
  readonly #native: Native;
  readonly #paths: PinPaths;
  readonly #maps: OpenMaps;
  readonly #hz: number;
  readonly #entries: EntryMaps;
  readonly #control: Control;
  readonly #stats: Stats;
  #seen: Network = { netdevs: [], ports: new Set() };
  #neighbours: Neighbours;

  /** Errors: KernelError when a pin cannot be opened or is not what the loader made. */
  constructor(native: Native, pinRoot: string) {
    this.#native = native;
    this.#paths = pinPaths(pinRoot);
    this.#maps = openMaps(native, this.#paths, 'agent');
    const about = readAbout(native, this.#maps);
    requireOwn(native, this.#maps, about, this.#paths);
    this.slots = about.slots;
    this.instance = about.instance;
    this.#hz = about.hz;
    this.#entries = new EntryMaps(native, { 4: this.#maps.redirect4, 6: this.#maps.redirect6 });
    this.#control = new Control(native, this.#maps.control, { 4: this.#maps.shapes4, 6: this.#maps.shapes6 });
    this.#stats = new Stats(native, this.#maps.stats, about.slots, about.cpuRows);
    this.#neighbours = new Neighbours(native);
  }

  observe(): Observed {
    return { entries: this.#entries.observe(), shapes: { 4: this.#control.shapes(4), 6: this.#control.shapes(6) } };
  }

  lookup(keys: readonly EntryKey[]): Map<string, ObservedEntry> {
    return this.#entries.lookup(keys);
  }

  network(): Network {
    requireSamePins(this.#native, this.#maps, this.#paths);
    const about = readAbout(this.#native, this.#maps);
    this.#neighbours = new Neighbours(this.#native);
    const netdevs = observeNetdevs(this.#native, { zones: zonesOf(about), program: about.program });
    this.#seen = { netdevs, ports: keysOf(this.#native, this.#maps.ports) };
    return this.#seen;
  }

  resolve(queries: readonly NextHopQuery[]): NextHop[] {
    const mtuOf = (ifindex: number): number => this.#seen.netdevs.find((dev) => dev.ifindex === ifindex)?.mtu ?? 0;
    return queries.map((query) => resolveNextHop(this.#native, this.#neighbours, mtuOf, query));
  }

  /** Best effort: an address that cannot be reached now shows in the neighbour table, not here. */
  probe(ifindex: number, address: string): void {
    const parsed = parseAddress(address);
    if (parsed !== undefined) this.#native.netProbe(ifindex, parsed.bytes);
  }

  apply(ops: readonly Op[]): OpResult[] {
    return runsOf(ops).flatMap((run) => this.#applyRun(run));
  }

  retire(slots: readonly number[]): Counter[] {
    return this.#stats.retire(slots);
  }

  counters(slots: readonly number[]): Counter[] {
    return slots.map((slot) => this.#stats.read(slot));
  }

  verdicts(): ReadonlyMap<string, bigint> {
    return readVerdicts(this.#native, this.#maps.verdicts);
  }

  losses(): Losses {
    return readLosses(this.#native, this.#maps.losses);
  }

  /** The kernel's own jiffies, by a test-run: a time namespace shifts this process's clocks, and not the kernel's. */
  clock(): KernelClock {
    const native = this.#native;
    const pin = this.#paths.clock;
    const clock = requireValue(native.programOpen(pin), 'open program', pin);
    const run = native.programTestRun(clock, {
      dataIn: new Uint8Array(64),
      ctxIn: null,
      repeat: 1,
      dataOutSize: 0,
      ctxOutSize: CLOCK_CONTEXT_BYTES,
    });
    native.close(clock);
    requireDone(run.rc, 'test-run', 'clock');
    return { jiffies: decodeClock(run.ctxOut), hz: this.#hz };
  }

  mark(): Mark | undefined {
    return this.#control.mark();
  }

  setMark(mark: Mark): void {
    this.#control.setMark(mark);
  }

  setReady(ready: boolean): void {
    this.#control.setReady(ready);
  }

  bypass(): boolean {
    return this.#control.bypass();
  }

  watch(onChange: () => void): Disposable {
    const subscription = requireValue(this.#native.netSubscribe(onChange), 'subscribe', 'rtnetlink');
    return { [Symbol.dispose]: () => this.#native.close(subscription) };
  }

  [Symbol.dispose](): void {
    for (const map of Object.values(this.#maps)) this.#native.close(map);
  }

  /** Carries out ops of one kind. */
  #applyRun(run: readonly Op[]): OpResult[] {
    const entryOps = run.filter((op) => op.op === 'write' || op.op === 'delete');
    if (entryOps.length > 0) return this.#entries.apply(entryOps);
    return run.flatMap((op) => {
      if (op.op === 'shapes') return [this.#control.publishShapes(op.family, op.shapes)];
      return op.op === 'port' ? [this.#port(op.ifindex, op.present)] : [];
    });
  }

  #port(ifindex: number, present: boolean): OpResult {
    const key = u32(ifindex);
    const rc = present
      ? this.#native.mapUpdateElem(this.#maps.ports, key, key, 0)
      : this.#native.mapDeleteElem(this.#maps.ports, key);
    if (rc === 0) return { done: true };
    return !present && rc === -ENOENT ? { done: true, absent: true } : { done: false, errno: errnoName(rc) };
  }
}

function zonesOf(about: About): Map<number, number> {
  const zones = about.zones.map((ifindex, zone): [number, number] => [ifindex, zone]);
  return new Map(zones.filter(([ifindex]) => ifindex !== 0));
}

/** The u32 keys of a map that only we change. */
function keysOf(native: Native, map: MapHandle): Set<number> {
  const keys = new Set<number>();
  let key: Uint8Array | number = native.mapNextKey(map, null);
  while (typeof key !== 'number') {
    const ifindex = new DataView(key.buffer, key.byteOffset, 4).getUint32(0, LITTLE_ENDIAN);
    if (keys.has(ifindex)) break;
    keys.add(ifindex);
    key = native.mapNextKey(map, key);
  }
  return keys;
}
