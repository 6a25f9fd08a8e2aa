import type { Counter } from '../../agent/model/counter.ts';
import { type EntryValue, NO_MAC, sameEntry } from '../../agent/model/entry.ts';
import { type EntryKey, entryId } from '../../agent/model/entry-key.ts';
import { KernelError } from '../../agent/model/kernel-error.ts';
import type { Mark } from '../../agent/model/mark.ts';
import type { Op, OpResult } from '../../agent/model/op.ts';
import type {
  Counts,
  Entries,
  Kernel,
  KernelClock,
  Limits,
  Looked,
  Loss,
  Losses,
  Observed,
  ObservedEntry,
  PassedHits,
  Swept,
  Totals,
  Words,
} from '../../agent/ports.ts';
import { type Family, familyOf, type Match } from '../../protocol/match.ts';
import type { Shape } from '../../protocol/shape.ts';
import { MemoryNet } from './memory-net.ts';

export interface MemoryKernelOptions {
  readonly slots?: number;
  /** Distinct shapes of each family. */
  readonly shapes?: number;
  /** Entries of each family; four times the slots, as the loader makes the maps, unless given. */
  readonly entries?: number;
  /** Lets its jiffies pass; without it they stand still. */
  readonly monotonicMs?: () => number;
  /** Keys of the devmap. */
  readonly ports?: number;
}

/** As many strays of a family as the real kernel's port removes in one go. */
const SWEPT_MAX = 16_384;
/** So many entries are looked at in one go. */
const LOOKED_MAX = 1_024;
/** Matches of a family that the program compares with. */
const PROTECTED_MAX = 16;
const DONE: OpResult = { done: true };
const ABSENT: OpResult = { done: true, absent: true };
const NO_COUNTS: Counter = { packets: 0n, bytes: 0n, seen: 0n };

/** The process died in the middle of an `apply`: what was done before stands. */
export class Crash extends Error {}

/**
 * A kernel in memory, as unkind as the real one; test/conformance compares the two. The methods below the port's change
 * things behind its user's back.
 */
export class MemoryKernel extends MemoryNet implements Kernel, Entries, Counts, Words {
  readonly pins = '/sys/fs/bpf/shunt/v2';
  readonly limits: Limits;
  readonly entries = this;
  readonly net = this;
  readonly counts = this;
  readonly words = this;
  readonly clock: KernelClock = {
    now: () => {
      if (this.pinsLost) throw new KernelError('open program', 'clock', 'ENOENT');
      return { jiffies: this.#now(), hz: this.hz };
    },
  };
  /** Every op that was asked for, and in what order; to be emptied by whoever looks. */
  asked: Op[] = [];
  ready = false;
  judged = new Map<string, bigint>();
  /** The tracepoints that the loader could not watch. */
  unwatched: readonly string[] = [];
  bypassed = false;
  blinded = 0;
  openings = 0;
  /** Whose packets pass guarded entries; undefined: a list that says what none of ours does. */
  protectedMatches: readonly Match[] | undefined = [];
  jiffies = 1_000_000n;
  /** Whoever writes has maps open that are no longer pinned: nobody sees what he writes. */
  isOld = false;
  /** Ops until the process dies; then every `apply` throws `Crash`. */
  opsToLive = Number.POSITIVE_INFINITY;
  readonly hz = 250;
  readonly #now: () => bigint;
  readonly #room: number;
  readonly #entries = new Map<string, ObservedEntry>();
  readonly #count: Record<Family, number> = { 4: 0, 6: 0 };
  readonly #strays: Record<Family, number> = { 4: 0, 6: 0 };
  /** Strays that the last look at everything met. */
  #met: Readonly<Record<Family, number>> = { 4: 0, 6: 0 };
  /** By id, what was last seen, or written. */
  readonly #seen = new Map<string, ObservedEntry>();
  /** By id, what a look-up met otherwise than it was last seen: the next look tells of it, whatever it meets. */
  readonly #doubted = new Set<string>();
  /** Ids that a look at everything has not come to. */
  #toLook: string[] | undefined;
  #shapes: Readonly<Record<Family, readonly Shape[] | undefined>> = { 4: [], 6: [] };
  readonly #counters = new Map<number, Counter>();
  readonly #losses = new Map<string, Loss>();
  readonly #passed = new Map<string, BigUint64Array>();
  /** Ops of this kind are refused and not carried out, for as long as it stands here. */
  readonly refuses = new Map<Op['op'], string>();
  readonly #failures: { readonly op: Op['op']; readonly errno: string }[] = [];
  #mark: Mark | undefined;

  constructor({
    slots = 64,
    shapes = 8,
    entries = slots * 4,
    ports = 256,
    monotonicMs = () => 0,
  }: MemoryKernelOptions = {}) {
    super(ports);
    this.#now = () => this.jiffies + BigInt(Math.floor((monotonicMs() * this.hz) / 1000));
    this.limits = { slots, shapes, mtu: 65_535 };
    this.#room = entries;
  }

  observe(): Observed {
    this.#met = { ...this.#strays };
    this.#seen.clear();
    this.#doubted.clear();
    for (const [id, entry] of this.#entries) this.#seen.set(id, entry);
    return this.peek();
  }

  /** What stands, without the agent's having looked. */
  peek(): Observed & { readonly entries: ReadonlyMap<string, ObservedEntry> } {
    return { entries: new Map(this.#entries), shapes: this.#shapes, protects: this.protectedMatches };
  }

  look(): Looked {
    this.#toLook ??= [...this.#entries.keys()];
    const ids = this.#toLook.splice(0, LOOKED_MAX);
    const isLast = this.#toLook.length === 0;
    const changed = [...ids, ...(isLast ? this.#gone() : [])].flatMap((id) => this.#change(id));
    if (!isLast) return { changed, count: ids.length };
    this.#toLook = undefined;
    this.#met = { ...this.#strays };
    return { changed, count: ids.length, rest: { shapes: this.#shapes, protects: this.protectedMatches } };
  }

  #gone(): string[] {
    return [...new Set([...this.#seen.keys(), ...this.#doubted])].filter((id) => !this.#entries.has(id));
  }

  #change(id: string): [string, ObservedEntry | undefined][] {
    const [before, now] = [this.#seen.get(id), this.#entries.get(id)];
    if (now === undefined) this.#seen.delete(id);
    else this.#seen.set(id, now);
    const isDoubted = this.#doubted.delete(id);
    const same = before && now && before.sound === now.sound && sameEntry(before.value, now.value);
    return !isDoubted && (same || before === now) ? [] : [[id, now]];
  }

  sweep(): Swept {
    const [met4, met6] = [this.#met[4], this.#met[6]];
    const removed = { 4: Math.min(met4, SWEPT_MAX), 6: Math.min(met6, SWEPT_MAX) };
    for (const family of [4, 6] as const) this.plantStrays(family, -removed[family]);
    this.#met = { 4: 0, 6: 0 };
    return { removed, more: met4 > SWEPT_MAX || met6 > SWEPT_MAX };
  }

  tend(): boolean {
    return false;
  }

  lookup(keys: readonly EntryKey[]): Map<string, ObservedEntry> {
    const found = new Map<string, ObservedEntry>();
    for (const key of keys) {
      const id = entryId(key);
      const entry = this.#entries.get(id);
      if (this.#change(id).length > 0) this.#doubted.add(id);
      if (entry !== undefined) found.set(id, entry);
    }
    return found;
  }

  apply(ops: readonly Op[]): OpResult[] {
    return ops.map((op) => {
      if (this.opsToLive <= 0) throw new Crash();
      this.opsToLive -= 1;
      this.asked.push(op);
      if (this.isOld) return DONE;
      const refusal = this.refuses.get(op.op);
      if (refusal !== undefined) return { done: false, errno: refusal };
      const failure = this.#failures.findIndex((it) => it.op === op.op);
      if (failure < 0) return this.#carryOut(op);
      const [{ errno } = { errno: 'EIO' }] = this.#failures.splice(failure, 1);
      return { done: false, errno };
    });
  }

  get epoch(): string {
    return `memory.${this.openings}`;
  }

  totals(into?: Totals): Totals {
    const { slots } = this.limits;
    const room = (before: Float64Array | undefined) =>
      before?.length === slots ? before.fill(0) : new Float64Array(slots);
    const totals = { packets: room(into?.packets), bytes: room(into?.bytes) };
    for (const [slot, { packets, bytes }] of this.#counters) {
      totals.packets[slot] = Number(packets);
      totals.bytes[slot] = Number(bytes);
    }
    return totals;
  }

  seen(): Float64Array {
    const lastSeen = new Float64Array(this.limits.slots);
    for (const [slot, { seen }] of this.#counters) lastSeen[slot] = Number(seen);
    return lastSeen;
  }

  settled(slots: readonly number[]): Counter[] {
    return this.counters(slots);
  }

  retire(slots: readonly number[]): Counter[] {
    const last = this.settled(slots);
    for (const slot of slots) this.#counters.delete(slot);
    for (const [verdict, bySlot] of this.#passed) {
      if (slots.some((slot) => bySlot[slot] !== 0n)) {
        this.#passed.set(
          verdict,
          bySlot.map((packets, slot) => (slots.includes(slot) ? 0n : packets)),
        );
      }
    }
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

  passed(): PassedHits {
    return new Map(this.#passed);
  }

  mark(): Mark | undefined {
    const none = this.#mark?.epoch === '' && this.#mark.rev === 0 && this.#mark.seq === 0;
    return none ? undefined : this.#mark;
  }

  setMark(mark: Mark): void {
    if (new TextEncoder().encode(mark.epoch).length > 64) throw new RangeError('epoch');
    if (!this.isOld) this.#mark = mark;
  }

  isReady(): boolean {
    return this.ready;
  }

  setReady(ready: boolean): void {
    if (!this.isOld) this.ready = ready;
  }

  bypass(): boolean {
    return this.bypassed;
  }

  blinds(): string {
    return `memory:${this.blinded}`;
  }

  /** The next op of this kind is refused and not carried out. */
  failNext(op: Op['op'], errno: string): void {
    this.#failures.push({ op, errno });
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

  /** More hits of a slot are passed, for the reason of this verdict. */
  pass(slot: number, verdict: string, packets = 1n): void {
    const bySlot = BigUint64Array.from(this.#passed.get(verdict) ?? new BigUint64Array(this.limits.slots));
    bySlot[slot] = (bySlot[slot] ?? 0n) + packets;
    this.#passed.set(verdict, bySlot);
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

  /** The loader makes the maps anew, with nothing in them; who has the old ones open finds that out. */
  remake(): void {
    for (const [id, { key }] of this.#entries) this.#delete(id, key);
    for (const family of [4, 6] as const) this.plantStrays(family, -this.#strays[family]);
    this.dropPorts();
    this.#shapes = { 4: [], 6: [] };
    this.protectedMatches = [];
    for (const counts of [this.#counters, this.#losses, this.#passed]) counts.clear();
    this.#mark = undefined;
    this.ready = false;
    this.bypassed = false;
    this.blinded += 1_000_000;
    this.pinsLost = true;
    this.isOld = true;
  }

  /** Who had the old maps open opens those that are pinned now. */
  openAnew(): void {
    this.pinsLost = false;
    this.isOld = false;
    this.openings += 1;
  }

  /** Removes an entry behind the agent's back. */
  uproot(id: string): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#delete(id, entry.key);
  }

  /** Entries with keys that no match has; as many fewer if negative. */
  plantStrays(family: Family, count: number): void {
    this.#strays[family] += count;
    this.#count[family] += count;
  }

  hasRoom(family: Family): boolean {
    return this.#count[family] < this.#room;
  }

  strays(family: Family): number {
    return this.#strays[family];
  }

  /** Undefined: a list that says what none of ours does. */
  setShapes(family: Family, shapes: readonly Shape[] | undefined): void {
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
        this.#seen.delete(entryId(op.key));
        return this.#delete(entryId(op.key), op.key);
      case 'shapes':
        if (op.shapes.length > this.limits.shapes) throw new RangeError(`${op.shapes.length} shapes`);
        if (op.shapes.some((shape) => shape.family !== op.family)) throw new RangeError('a shape of the other family');
        this.setShapes(op.family, op.shapes);
        return DONE;
      case 'protect':
        for (const family of [4, 6])
          if (op.matches.filter((match) => familyOf(match) === family).length > PROTECTED_MAX)
            throw new RangeError('too many to be compared with');
        this.protectedMatches = op.matches;
        return DONE;
      case 'port':
        return this.setPort(op.ifindex, op.present);
    }
  }

  #write(key: EntryKey, value: EntryValue): OpResult {
    const id = entryId(key);
    const family = familyOf(key.match);
    if (!this.#entries.has(id)) {
      if (!this.hasRoom(family)) return { done: false, errno: 'E2BIG' };
      this.#count[family] += 1;
    }
    const entry = { key, value, sound: true };
    this.#entries.set(id, entry);
    this.#seen.set(id, entry);
    return DONE;
  }

  #delete(id: string, key: EntryKey): OpResult {
    if (!this.#entries.delete(id)) return ABSENT;
    this.#count[familyOf(key.match)] -= 1;
    return DONE;
  }
}
