import type { MapHandle, MemoryHandle, Native } from '../../native/index.ts';
import { LIMITS, PASS_REASONS, STRUCTS, VERDICTS } from '../kernel/abi.ts';
import type { About } from '../kernel/about.ts';
import { u32 } from '../kernel/bytes.ts';
import { LITTLE_ENDIAN } from '../kernel/check.ts';
import { EntryMaps } from '../kernel/entry-maps.ts';
import { requireDone, requireValue } from '../kernel/errno.ts';
import { awaitPackets } from '../kernel/grace.ts';
import { MAP_SIZES, type OpenMaps } from '../kernel/open-maps.ts';
import type { MapName, PinPaths } from '../kernel/pins.ts';
import { Stats } from '../kernel/stats.ts';
import type { Head } from '../kernel/succession.ts';

const { size: STAT, packets: PACKETS, bytes: BYTES, seen: SEEN } = STRUCTS.stat;
const PASSED = MAP_SIZES.passed[1];

/** Maps, and what their loader says of them. */
export interface Counting {
  readonly maps: OpenMaps;
  readonly about: About;
}

type Kept = Partial<Record<MapName, MapHandle>>;

/** Maps that count, and are as this build makes them for so many slots and CPUs: they count on in others' place. */
export function findCounting(
  native: Native,
  paths: PinPaths,
  { slots, cpuRows }: Pick<Head, 'slots' | 'cpuRows'>,
): Kept {
  const made = [
    ['stats', ...MAP_SIZES.stats, (cpuRows + 1) * slots],
    ['passed', ...MAP_SIZES.passed, PASS_REASONS.length * slots],
    ['verdicts', 4, 8, VERDICTS.length],
    ['losses', ...MAP_SIZES.losses, LIMITS.LOSSES_MAX],
  ] as const;
  const kept: Kept = {};
  for (const [name, keySize, valueSize, maxEntries] of made) {
    const map = native.mapOpen(paths.map(name), false);
    if (typeof map === 'number') continue;
    const info = requireValue(native.mapInfo(map), 'map info', name);
    const fits = info.keySize === keySize && info.valueSize === valueSize && info.maxEntries === maxEntries;
    if (fits) kept[name] = map;
    else native.close(map);
  }
  return kept;
}

/** How many entries stand. */
export function countEntries(native: Native, maps: OpenMaps): number {
  return slotsOf(native, maps).size;
}

/** Of slots that no entry counts into the counts are those of keys that may come back to them: they begin with them. */
export function copySettled(native: Native, from: Counting, to: Counting): void {
  if (isShared(from, to)) return;
  const { slots, cpuRows } = to.about;
  const counted = new Set(slotsOf(native, from.maps).values());
  const stats = new Stats(native, from.maps.stats, from.about.slots, from.about.cpuRows);
  for (let slot = 0; slot < Math.min(from.about.slots, slots); slot += 1) {
    if (counted.has(slot)) continue;
    const { packets, bytes, seen } = stats.read(slot);
    if (packets === 0n && seen === 0n) continue;
    const row = new Uint8Array(STAT);
    const view = new DataView(row.buffer);
    for (const [at, value] of [[PACKETS, packets] as const, [BYTES, bytes] as const, [SEEN, seen] as const])
      view.setBigUint64(at, value, LITTLE_ENDIAN);
    requireDone(native.mapUpdateElem(to.maps.stats, u32(cpuRows * slots + slot), row, 0), 'map update', 'stats');
  }
}

/**
 * Once no CPU counts there any more, takes every count of an entry to where it counts on, while others count there: into
 * the row of `stats` that CPUs share. Done again it moves what is left. Errors: KernelError.
 */
export function moveCounts(native: Native, from: Counting, to: Counting): void {
  if (isShared(from, to)) return;
  const [slots, slotsNow] = [from.about.slots, to.about.slots];
  awaitPackets(native, 'before the last counts are moved');
  const there = slotsOf(native, to.maps);
  const pairs = [...slotsOf(native, from.maps)].flatMap(([id, slot]): (readonly [number, number])[] => {
    const now = there.get(id);
    return now === undefined || slot >= slots || now >= slotsNow ? [] : [[slot, now]];
  });
  moveStats(native, from, to, pairs);
  movePassed(native, { map: from.maps.passed, slots }, { map: to.maps.passed, slots: slotsNow }, pairs);
}

/** The same map counts for both. */
function isShared(from: Counting, to: Counting): boolean {
  return from.about.maps.stats === to.about.maps.stats;
}

type Pairs = readonly (readonly [from: number, to: number])[];

function moveStats(native: Native, from: Counting, to: Counting, pairs: Pairs): void {
  using memories = new Memories(native, from.maps.stats, to.maps.stats);
  const { slots, cpuRows } = from.about;
  const shared = (slot: number): number => (to.about.cpuRows * to.about.slots + slot) * STAT;
  const moves: number[] = [];
  for (const [old, now] of pairs) {
    for (let row = 0; row <= cpuRows; row += 1) {
      const at = (row * slots + old) * STAT;
      moves.push(at + PACKETS, shared(now) + PACKETS, at + BYTES, shared(now) + BYTES);
    }
  }
  const [before, after] = [memories.seen(from.about), memories.seen(to.about, true)];
  for (const [old, now] of pairs) {
    if ((before[old] ?? 0) <= (after[now] ?? 0)) continue;
    const word = new Uint8Array(8);
    new DataView(word.buffer).setBigUint64(0, BigInt(before[old] ?? 0), LITTLE_ENDIAN);
    requireDone(native.memoryWrite(memories.to, shared(now) + SEEN, word), 'write', 'stats');
  }
  memories.move(moves);
}

interface PassedRows {
  readonly map: MapHandle;
  readonly slots: number;
}

function movePassed(native: Native, from: PassedRows, to: PassedRows, pairs: Pairs): void {
  using memories = new Memories(native, from.map, to.map);
  const places = [from, to].map(
    ({ map, slots }) => requireValue(native.mapInfo(map), 'map info', 'passed').maxEntries / slots,
  );
  const moves: number[] = [];
  for (let place = 0; place < Math.min(...places.map(Math.floor)); place += 1)
    for (const [old, now] of pairs) moves.push((place * from.slots + old) * PASSED, (place * to.slots + now) * PASSED);
  memories.move(moves);
}

/** Two maps of counts, mapped. */
class Memories implements Disposable {
  readonly to: MemoryHandle;
  readonly #native: Native;
  readonly #from: MemoryHandle;

  constructor(native: Native, from: MapHandle, to: MapHandle) {
    this.#native = native;
    this.#from = requireValue(native.mapMmap(from, true), 'mmap', 'the counts');
    this.to = requireValue(native.mapMmap(to, true), 'mmap', 'the counts');
  }

  /** By slot the jiffies64 of the last hit. */
  seen({ slots, cpuRows }: About, there = false): Float64Array {
    const memory = there ? this.to : this.#from;
    return requireValue(this.#native.memoryMax(memory, SEEN, STAT, slots, cpuRows + 1), 'read', 'stats');
  }

  move(offsets: readonly number[]): void {
    const moves = new Uint8Array(BigUint64Array.from(offsets, BigInt).buffer);
    requireDone(this.#native.memoryMove(this.#from, this.to, moves), 'move', 'the counts');
  }

  [Symbol.dispose](): void {
    this.#native.close(this.#from);
    this.#native.close(this.to);
  }
}

/** By entry the slot that it counts into. */
function slotsOf(native: Native, maps: OpenMaps): Map<string, number> {
  const entries = new EntryMaps(native, { 4: maps.redirect4, 6: maps.redirect6 }).observe();
  return new Map(Iterator.from(entries).map(([id, { value }]) => [id, value.slot]));
}
