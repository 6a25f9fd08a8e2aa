import type { MapHandle, MemoryHandle, Native } from '../../native/index.ts';
import type { Counter } from '../model/counter.ts';
import type { Totals } from '../ports.ts';
import { STRUCTS } from './abi.ts';
import { u32 } from './bytes.ts';
import { requireDone, requireValue } from './errno.ts';
import { awaitPackets } from './grace.ts';
import { decodeStat } from './layout.ts';

const ROW = STRUCTS.stat.size;
const NOTHING = new Uint8Array(ROW);
const NONE: Counter = Object.freeze({ packets: 0n, bytes: 0n, seen: 0n });
const DOUBLE = Float64Array.BYTES_PER_ELEMENT;
/** To read so many slots one by one takes as long as a look at all of them, or longer. */
const MANY = 1_024;

/** The counters: one row a CPU and slot, and a shared row for CPUs that came later. */
export class Stats {
  readonly #native: Native;
  readonly #map: MapHandle;
  readonly #memory: MemoryHandle;
  readonly #slots: number;
  readonly #rows: number;

  constructor(native: Native, map: MapHandle, slots: number, cpuRows: number) {
    this.#native = native;
    this.#map = map;
    this.#memory = requireValue(native.mapMmap(map, false), 'mmap', 'stats');
    this.#slots = slots;
    this.#rows = cpuRows + 1;
  }

  /** The sum over all CPUs. */
  read(slot: number): Counter {
    let packets = 0n;
    let bytes = 0n;
    let seen = 0n;
    for (let row = 0; row < this.#rows; row += 1) {
      const stat = decodeStat(this.#bytes(this.#index(row, slot)));
      packets += stat.packets;
      bytes += stat.bytes;
      if (stat.seen > seen) seen = stat.seen;
    }
    return { packets, bytes, seen };
  }

  /** The last hit of every slot, in jiffies64; 0 is never. */
  seen(): Float64Array {
    const largest = this.#native.memoryMax(this.#memory, STRUCTS.stat.seen, ROW, this.#slots, this.#rows);
    return requireValue(largest, 'read', 'stats');
  }

  /** What every slot counted, over all CPUs; `into`: an answer of before that nobody needs any more. */
  totals(into?: Totals): Totals {
    const { packets, bytes } = STRUCTS.stat;
    if (bytes !== packets + 8) throw new Error('stats: bytes do not follow packets');
    const sums = this.#sums(into);
    const rc = this.#native.memorySum(this.#memory, packets, ROW, this.#slots, this.#rows, 2, new Uint8Array(sums));
    requireDone(rc, 'read', 'stats');
    return { packets: new Float64Array(sums, 0, this.#slots), bytes: new Float64Array(sums, this.#slots * DOUBLE) };
  }

  /** Where packets stand, and behind them bytes. */
  #sums(into: Totals | undefined): ArrayBuffer {
    const size = 2 * this.#slots * DOUBLE;
    const before = into?.packets.buffer;
    return before instanceof ArrayBuffer && before.byteLength === size ? before : new ArrayBuffer(size);
  }

  /** The last counts of slots that no CPU can count into any more. */
  settled(slots: readonly number[]): Counter[] {
    if (slots.length === 0) return [];
    awaitPackets(this.#native, 'before reading the last counts');
    if (slots.length < MANY) return slots.map((slot) => this.read(slot));
    // One look at all of them finds those that counted at all.
    const { packets, bytes } = this.totals();
    const seen = this.seen();
    const none = (slot: number): boolean => packets[slot] === 0 && bytes[slot] === 0 && seen[slot] === 0;
    return slots.map((slot) => (none(slot) ? NONE : this.read(slot)));
  }

  /** Answers the last counts, and sets them to zero. */
  retire(slots: readonly number[]): Counter[] {
    const last = this.settled(slots);
    for (const [i, slot] of slots.entries()) {
      if (last[i]?.packets !== 0n || last[i].seen !== 0n) this.#clear(slot);
    }
    return last;
  }

  #clear(slot: number): void {
    for (let row = 0; row < this.#rows; row += 1) {
      const key = u32(this.#index(row, slot));
      requireDone(
        this.#native.mapUpdateElem(this.#map, key, NOTHING, 0),
        'map update',
        `stats row ${row} slot ${slot}`,
      );
    }
  }

  #index(row: number, slot: number): number {
    return row * this.#slots + slot;
  }

  #bytes(index: number): Uint8Array {
    return requireValue(this.#native.memoryRead(this.#memory, index * ROW, ROW), 'read', 'stats');
  }
}
