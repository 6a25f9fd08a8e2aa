/**
 * A table in front of the redirect maps, as the agent may have left it: in the half that is live each key stands in its row, or
 * finds no room and stands in the map alone; its row may be broken, and between them are those of keys that went. The other half
 * lies about every key, so that whoever looks there is seen.
 */
import { LIMITS, ROW_STATES, STRUCTS } from '../../agent/kernel/abi.ts';
import { checkOf, LITTLE_ENDIAN } from '../../agent/kernel/check.ts';
import { valueIsSound } from '../../agent/kernel/layout.ts';
import type { Family } from '../../protocol/address.ts';
import { sumOf } from '../support/table-reader.ts';
import { Draw, flipBit } from './draw.ts';

/** So few rows that windows overlap, fill, and go round the end. */
export const ROW_BITS = 5;
const ROWS = 2 ** ROW_BITS;
const { PROBES_MAX, FILTER_BITS } = LIMITS;
const { ROW_EMPTY, ROW_USED, ROW_GONE } = ROW_STATES;
const VALUE = STRUCTS.value;

export interface Standing {
  readonly key: Uint8Array;
  /** As it is in the map. */
  readonly value: Uint8Array;
}

export interface TableBytes {
  readonly rows: Uint8Array;
  readonly filter: Uint8Array;
}

/** Both halves of a family's table, of which `live` is the one that may be looked at. */
export function drawTable(seed: number, family: Family, live: 0 | 1 | 2, standing: readonly Standing[]): TableBytes {
  const draw = new Draw(seed);
  const halves = ([1, 2] as const).map((which) => {
    const half = new Half(family);
    for (const one of draw.shuffle(standing)) {
      if (which === live) half.add(draw, one);
      else half.lie(draw, one);
    }
    return half;
  });
  return {
    rows: Buffer.concat(halves.map((half) => half.rows)),
    filter: Buffer.concat(halves.map((half) => half.filter)),
  };
}

class Half {
  readonly #at: typeof STRUCTS.row4 | typeof STRUCTS.row6;
  readonly rows: Uint8Array;
  readonly filter = new Uint8Array((ROWS * FILTER_BITS) / 8);

  constructor(family: Family) {
    this.#at = family === 4 ? STRUCTS.row4 : STRUCTS.row6;
    this.rows = new Uint8Array(ROWS * this.#at.size);
  }

  add(draw: Draw, { key, value }: Standing): void {
    if (draw.once(8)) this.#put(key, other(key, value), ROW_GONE);
    if (draw.once(8)) this.#put(this.#neighbour(draw, key), value, ROW_GONE);
    this.#put(key, draw.once(8) ? broken(draw, key, value) : value, ROW_USED);
    this.#setBit(key);
  }

  /** Says nothing of it, or something else. */
  lie(draw: Draw, { key, value }: Standing): void {
    if (draw.once(2)) return;
    this.#put(key, other(key, value), ROW_USED);
    this.#setBit(key);
  }

  /** False: no row of its window is empty. */
  #put(key: Uint8Array, value: Uint8Array, state: number): boolean {
    const home = Number(sumOf(key) >> BigInt(64 - ROW_BITS));
    for (let probe = 0; probe < PROBES_MAX; probe += 1) {
      const row = this.#row((home + probe) % ROWS);
      const view = new DataView(row.buffer, row.byteOffset);
      if (view.getUint32(this.#at.state, LITTLE_ENDIAN) !== ROW_EMPTY) continue;
      row.set(key, this.#at.key);
      row.set(value.subarray(VALUE.rev, VALUE.rev + 4), this.#at.rev);
      row.set(value.subarray(VALUE.check), this.#at.check);
      view.setUint32(this.#at.state, state, LITTLE_ENDIAN);
      return true;
    }
    return false;
  }

  #row(index: number): Uint8Array {
    return this.rows.subarray(index * this.#at.size, (index + 1) * this.#at.size);
  }

  #setBit(key: Uint8Array): void {
    const bit = sumOf(key) >> BigInt(64 - ROW_BITS - Math.log2(FILTER_BITS));
    const words = new DataView(this.filter.buffer);
    const word = Number(bit / 64n) * 8;
    words.setBigUint64(word, words.getBigUint64(word, LITTLE_ENDIAN) | (1n << (bit % 64n)), LITTLE_ENDIAN);
  }

  /** Another key, which looks the same at one end. */
  #neighbour(draw: Draw, key: Uint8Array): Uint8Array {
    return flipBit(key, draw.below(key.length * 8));
  }
}

/** A bit of it is wrong, as while it is written; it never proves itself where the map's does not. */
function broken(draw: Draw, key: Uint8Array, value: Uint8Array): Uint8Array {
  const bytes = flipBit(value, draw.between(8 * VALUE.rev, 8 * VALUE.size - 1));
  return valueIsSound(key, bytes) ? value : bytes;
}

/** Sound, and drops what passes, or passes what does not. */
function other(key: Uint8Array, value: Uint8Array): Uint8Array {
  const bytes = value.slice();
  bytes[VALUE.action] = bytes[VALUE.action] === 1 ? 0 : 1;
  new DataView(bytes.buffer).setBigUint64(VALUE.check, checkOf(key, bytes), LITTLE_ENDIAN);
  return bytes;
}
