import { type EntryValue, NO_MAC } from '../../agent/model/entry.ts';
import { type EntryKey, entryId } from '../../agent/model/entry-key.ts';
import type { Mark } from '../../agent/model/mark.ts';
import type { Netdev, Network, NextHop, NextHopQuery } from '../../agent/model/network.ts';
import type { Op, OpResult } from '../../agent/model/op.ts';
import type {
  Counter,
  Counts,
  Entries,
  Kernel,
  KernelClock,
  Limits,
  Loss,
  Losses,
  Net,
  Observed,
  ObservedEntry,
  Words,
} from '../../agent/ports.ts';
import { type Family, familyOf } from '../../protocol/match.ts';
import type { Shape } from '../../protocol/shape.ts';

export interface MemoryKernelOptions {
  readonly slots?: number;
  /** Entries of each family; four times the slots, as the loader makes the maps, unless given. */
  readonly entries?: number;
  /** Lets its jiffies pass; without it they stand still. */
  readonly monotonicMs?: () => number;
}

type Neighbour = { readonly state: 'resolved'; readonly mac: string } | { readonly state: 'asking' | 'failed' };
interface Route {
  readonly ifname: string;
  readonly gateway: string;
  readonly mtu: number | undefined;
}

const DONE: OpResult = { done: true };
const ABSENT: OpResult = { done: true, absent: true };
const NO_COUNTS: Counter = { packets: 0n, bytes: 0n, seen: 0n };

/** The process died in the middle of an `apply`: what was done before stands. */
export class Crash extends Error {}

/**
 * A kernel in memory, as unkind as the real one; test/conformance compares the two. The methods below the port's change
 * things behind its user's back.
 */
export class MemoryKernel implements Kernel, Entries, Net, Counts, Words {
  readonly limits: Limits;
  readonly entries = this;
  readonly net = this;
  readonly counts = this;
  readonly words = this;
  readonly clock: KernelClock = { now: () => ({ jiffies: this.#now(), hz: this.hz }) };
  /** Every op that was asked for, and in what order; to be emptied by whoever looks. */
  asked: Op[] = [];
  /** Neighbours that were asked, `ifindex address`. */
  probed: string[] = [];
  ready = false;
  judged = new Map<string, bigint>();
  /** The tracepoints that the loader could not watch. */
  unwatched: readonly string[] = [];
  bypassed = false;
  jiffies = 1_000_000n;
  /** Ops until the process dies; then every `apply` throws `Crash`. */
  opsToLive = Number.POSITIVE_INFINITY;
  readonly hz = 250;
  readonly #now: () => bigint;
  readonly #room: number;
  readonly #entries = new Map<string, ObservedEntry>();
  readonly #count: Record<Family, number> = { 4: 0, 6: 0 };
  #shapes: Readonly<Record<Family, readonly Shape[]>> = { 4: [], 6: [] };
  readonly #netdevs = new Map<string, Netdev>();
  readonly #ports = new Set<number>();
  readonly #routes = new Map<string, Route>();
  readonly #neighbours = new Map<string, Neighbour>();
  readonly #counters = new Map<number, Counter>();
  readonly #losses = new Map<string, Loss>();
  readonly #watchers = new Set<() => void>();
  readonly #failures: { readonly op: Op['op']; readonly errno: string }[] = [];
  #mark: Mark | undefined;

  constructor({ slots = 64, entries = slots * 4, monotonicMs = () => 0 }: MemoryKernelOptions = {}) {
    this.#now = () => this.jiffies + BigInt(Math.floor((monotonicMs() * this.hz) / 1000));
    this.limits = { slots, shapes: 8, mtu: 65_535 };
    this.#room = entries;
  }

  observe(): Observed & { readonly entries: ReadonlyMap<string, ObservedEntry> } {
    return { entries: new Map(this.#entries), shapes: this.#shapes };
  }

  lookup(keys: readonly EntryKey[]): Map<string, ObservedEntry> {
    const found = new Map<string, ObservedEntry>();
    for (const key of keys) {
      const entry = this.#entries.get(entryId(key));
      if (entry !== undefined) found.set(entryId(key), entry);
    }
    return found;
  }

  network(): Network {
    return { netdevs: [...this.#netdevs.values()], ports: new Set(this.#ports) };
  }

  resolve(queries: readonly NextHopQuery[]): NextHop[] {
    return queries.map(({ address, ifindex: wanted }) => {
      const route = this.#routes.get(address);
      const netdev = route === undefined ? undefined : this.#netdevs.get(route.ifname);
      if (route === undefined || netdev === undefined) return { state: 'no-route' };
      const { ifindex } = netdev;
      if (wanted !== undefined && wanted !== ifindex) return { state: 'no-route' };
      const { gateway, mtu = netdev.mtu } = route;
      const neighbour = this.#neighbours.get(`${ifindex} ${gateway}`) ?? { state: 'asking' };
      return neighbour.state === 'resolved'
        ? { state: 'resolved', ifindex, gateway, mac: neighbour.mac, mtu }
        : { state: neighbour.state, ifindex, gateway };
    });
  }

  probe(ifindex: number, address: string): void {
    this.probed.push(`${ifindex} ${address}`);
  }

  apply(ops: readonly Op[]): OpResult[] {
    return ops.map((op) => {
      if (this.opsToLive <= 0) throw new Crash();
      this.opsToLive -= 1;
      this.asked.push(op);
      const failure = this.#failures.findIndex((it) => it.op === op.op);
      if (failure < 0) return this.#carryOut(op);
      const [{ errno } = { errno: 'EIO' }] = this.#failures.splice(failure, 1);
      return { done: false, errno };
    });
  }

  retire(slots: readonly number[]): Counter[] {
    const last = this.counters(slots);
    for (const slot of slots) this.#counters.delete(slot);
    return last;
  }

  counters(slots: readonly number[]): Counter[] {
    return slots.map((slot) => {
      if (!Number.isInteger(slot) || slot < 0 || slot >= this.limits.slots) throw new TypeError(`slot ${slot}`);
      return this.#counters.get(slot) ?? NO_COUNTS;
    });
  }

  verdicts(): ReadonlyMap<string, bigint> {
    return this.judged;
  }

  losses(): Losses {
    return { losses: [...this.#losses.values()], unwatched: this.unwatched };
  }

  mark(): Mark | undefined {
    return this.#mark;
  }

  setMark(mark: Mark): void {
    if (new TextEncoder().encode(mark.epoch).length > 64) throw new RangeError('epoch');
    this.#mark = mark;
  }

  setReady(ready: boolean): void {
    this.ready = ready;
  }

  bypass(): boolean {
    return this.bypassed;
  }

  watch(onChange: () => void): Disposable {
    const watcher = (): void => onChange();
    this.#watchers.add(watcher);
    return { [Symbol.dispose]: () => this.#watchers.delete(watcher) };
  }

  /** The next op of this kind is refused and not carried out. */
  failNext(op: Op['op'], errno: string): void {
    this.#failures.push({ op, errno });
  }

  /** Tells the watchers that something may have changed, as netlink does. */
  notify(): void {
    for (const watcher of this.#watchers) watcher();
  }

  /** More packets die after their verdict. */
  lose(ifindex: number, packets: bigint, errno?: string, tracepoint = 'xdp_redirect_err'): void {
    const id = `${ifindex} ${tracepoint} ${errno}`;
    const before = this.#losses.get(id)?.packets ?? 0n;
    this.#losses.set(id, { ifindex, tracepoint, ...(errno !== undefined && { errno }), packets: before + packets });
  }

  /** Whether packets for this entry go where it says: it stands, and has not ended by itself. */
  acts(id: string): boolean {
    const { until } = this.#entries.get(id)?.value ?? { until: -1n };
    return until === 0n || until > this.#now();
  }

  /** Adds a network device, or changes one; another ifindex is a device that was removed and made again. */
  netdev(name: string, change: Partial<Omit<Netdev, 'name'>> = {}): Netdev {
    const before = this.#netdevs.get(name);
    const ifindex = change.ifindex ?? before?.ifindex ?? 2 + this.#netdevs.size;
    if (before !== undefined && before.ifindex !== ifindex) this.removeNetdev(name);
    const made: Netdev = {
      name,
      ifindex,
      mac: `02:00:00:00:00:${ifindex.toString(16).padStart(2, '0')}`,
      mtu: 1500,
      up: true,
      takesRedirects: true,
      attached: 'none',
      zone: 0,
    };
    const netdev = { ...made, ...this.#netdevs.get(name), ...change };
    this.#netdevs.set(name, netdev);
    return netdev;
  }

  /** The device goes, and with it its port and its neighbours. */
  removeNetdev(name: string): void {
    const ifindex = this.#netdevs.get(name)?.ifindex;
    if (ifindex === undefined) return;
    this.#netdevs.delete(name);
    this.#ports.delete(ifindex);
    for (const at of this.#neighbours.keys()) if (at.startsWith(`${ifindex} `)) this.#neighbours.delete(at);
  }

  route(address: string, ifname: string, gateway = address, mtu?: number): void {
    this.#routes.set(address, { ifname, gateway, mtu });
  }

  removeRoute(address: string): void {
    this.#routes.delete(address);
  }

  /** The neighbour answers with this MAC, does not answer (`failed`), or is being asked. */
  neighbour(ifname: string, address: string, answer: string): void {
    const ifindex = this.#netdevs.get(ifname)?.ifindex;
    const state: Neighbour =
      answer === 'asking' || answer === 'failed' ? { state: answer } : { state: 'resolved', mac: answer };
    this.#neighbours.set(`${ifindex} ${address}`, state);
  }

  /** Writes an entry that nobody asked for; `sound: false` is one whose check does not fit. */
  plant(key: EntryKey, value: Partial<EntryValue> = {}, sound = true): string {
    const id = entryId(key);
    const drop: EntryValue = {
      ...{ rev: 0, until: 0n, slot: 0, ifindex: 0, action: 'drop', keepTtl: false, mtu: 0, dmac: NO_MAC, smac: NO_MAC },
      ...value,
    };
    if (!this.#entries.has(id)) this.#count[familyOf(key.match)] += 1;
    this.#entries.set(id, { key, value: drop, sound });
    return id;
  }

  /** Removes an entry behind the agent's back. */
  uproot(id: string): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#delete(id, entry.key);
  }

  unplug(ifindex: number): void {
    this.#ports.delete(ifindex);
  }

  plug(ifindex: number): void {
    this.#ports.add(ifindex);
  }

  setShapes(family: Family, shapes: readonly Shape[]): void {
    this.#shapes = { ...this.#shapes, [family]: shapes };
  }

  count(slot: number, counter: Counter): void {
    this.#counters.set(slot, counter);
  }

  #carryOut(op: Op): OpResult {
    switch (op.op) {
      case 'write':
        return this.#write(op.key, op.value);
      case 'delete':
        return this.#delete(entryId(op.key), op.key);
      case 'shapes':
        if (op.shapes.length > this.limits.shapes) throw new RangeError(`${op.shapes.length} shapes`);
        if (op.shapes.some((shape) => shape.family !== op.family)) throw new RangeError('a shape of the other family');
        this.setShapes(op.family, op.shapes);
        return DONE;
      case 'port':
        return this.#port(op.ifindex, op.present);
    }
  }

  #write(key: EntryKey, value: EntryValue): OpResult {
    const id = entryId(key);
    const family = familyOf(key.match);
    if (!this.#entries.has(id)) {
      if (this.#count[family] >= this.#room) return { done: false, errno: 'E2BIG' };
      this.#count[family] += 1;
    }
    this.#entries.set(id, { key, value, sound: true });
    return DONE;
  }

  #delete(id: string, key: EntryKey): OpResult {
    if (!this.#entries.delete(id)) return ABSENT;
    this.#count[familyOf(key.match)] -= 1;
    return DONE;
  }

  #port(ifindex: number, present: boolean): OpResult {
    if (!present) return this.#ports.delete(ifindex) ? DONE : ABSENT;
    const there = [...this.#netdevs.values()].some((dev) => dev.ifindex === ifindex);
    if (!there) return { done: false, errno: 'EINVAL' };
    this.#ports.add(ifindex);
    return DONE;
  }
}
