import type { MapHandle, MemoryHandle, Native } from '../../native/index.ts';
import type { PassedHits } from '../ports.ts';
import { PASS_REASONS, type PassReason } from './abi.ts';
import { u32 } from './bytes.ts';
import { requireDone, requireValue } from './errno.ts';
import { readVerdict } from './traffic.ts';

const ROW = BigUint64Array.BYTES_PER_ELEMENT;
const NOTHING = new Uint8Array(ROW);

/** The map `passed`: a row for each reason and slot, which all CPUs share. */
export class Passed {
  readonly #native: Native;
  readonly #map: MapHandle;
  readonly #verdicts: MapHandle;
  readonly #memory: MemoryHandle;
  readonly #slots: number;
  /** A newer loader made room for more of them than this agent knows, an older one for fewer. */
  readonly #places: number;
  readonly #last = new Map<PassReason, { readonly packets: bigint; readonly bySlot: BigUint64Array }>();

  constructor(native: Native, map: MapHandle, verdicts: MapHandle, slots: number) {
    this.#native = native;
    this.#map = map;
    this.#verdicts = verdicts;
    this.#memory = requireValue(native.mapMmap(map, false), 'mmap', 'passed');
    this.#slots = slots;
    this.#places = Math.floor(requireValue(native.mapInfo(map), 'map info', 'passed').maxEntries / slots);
  }

  /**
   * A packet is counted by its slot first and by its verdict last, so while the verdict's count stands still there is
   * nothing new, and rows may be many.
   */
  read(): PassedHits {
    for (const [place, reason] of PASS_REASONS.slice(0, this.#places).entries()) {
      const packets = readVerdict(this.#native, this.#verdicts, reason);
      if (packets === (this.#last.get(reason)?.packets ?? 0n)) continue;
      this.#last.set(reason, { packets, bySlot: this.#read(place * this.#slots, this.#slots) });
    }
    return new Map(Array.from(this.#last, ([reason, { bySlot }]) => [reason, bySlot]));
  }

  /** Sets these slots to zero. No CPU may count into them any more. */
  clear(slots: readonly number[]): void {
    for (let place = 0; place < this.#places; place += 1) {
      const reason = PASS_REASONS[place];
      if (reason !== undefined && readVerdict(this.#native, this.#verdicts, reason) === 0n) continue;
      const counted = slots.filter((slot) => this.#read(place * this.#slots + slot, 1)[0] !== 0n);
      for (const slot of counted) this.#clear(place * this.#slots + slot);
      if (reason !== undefined && counted.length > 0) this.#last.delete(reason);
    }
  }

  #clear(row: number): void {
    requireDone(this.#native.mapUpdateElem(this.#map, u32(row), NOTHING, 0), 'map update', `passed row ${row}`);
  }

  #read(row: number, count: number): BigUint64Array {
    const bytes = requireValue(this.#native.memoryRead(this.#memory, row * ROW, count * ROW), 'read', 'passed');
    return new BigUint64Array(bytes.buffer, bytes.byteOffset, count);
  }
}
