import { checkOf, LITTLE_ENDIAN } from '../../agent/kernel/check.ts';
import { loadNative, type MapHandle, type MemoryHandle, type Native, type TableHandle } from '../../native/index.ts';
import { must } from './must.ts';

const ARRAY = 2;
const BPF_F_MMAPABLE = 1024;
const ROW_BYTES = { 16: 64, 40: 128 } as const;
const PROBES_MAX = 8;
const STATES = ['empty', 'used', 'gone'] as const;
const VALUE_BYTES = 48;

/** What the program makes of a half: the words of a value from its check on, a look at the redirect map, or a definite miss. */
export type Look = Uint8Array | 'hash' | 'miss';

/** A table of its own, as a map that nothing is pinned of, and what the program would read in it, written once more. */
export class TestTable implements Disposable {
  readonly native: Native = loadNative();
  readonly table: TableHandle;
  readonly rows: MapHandle;
  readonly filter: MapHandle;
  readonly keyBytes: 16 | 40;
  readonly #rowBits: number;
  readonly #rowMemory: MemoryHandle;
  readonly #filterMemory: MemoryHandle;

  constructor(keyBytes: 16 | 40, rowBits: number) {
    const { native } = this;
    this.keyBytes = keyBytes;
    this.#rowBits = rowBits;
    this.rows = must('rows', native.mapCreate(ARRAY, 'rows', 4, ROW_BYTES[keyBytes], 2 << rowBits, BPF_F_MMAPABLE));
    this.filter = must('filter', native.mapCreate(ARRAY, 'filter', 4, 8, (2 << rowBits) / 8, BPF_F_MMAPABLE));
    this.table = must('tableOpen', native.tableOpen(this.rows, this.filter));
    this.#rowMemory = must('rows', native.mapMmap(this.rows, true));
    this.#filterMemory = must('filter', native.mapMmap(this.filter, true));
  }

  get halfRows(): number {
    return 1 << this.#rowBits;
  }

  /** A key whose rows begin at `home`, another one for each `n`. */
  keyAt(home: number, n: number): Uint8Array {
    for (let salt = 0; ; salt += 1) {
      const key = new Uint8Array(this.keyBytes);
      new DataView(key.buffer).setUint32(0, n, LITTLE_ENDIAN);
      new DataView(key.buffer).setUint32(8, salt, LITTLE_ENDIAN);
      if (Number(sumOf(key) >> BigInt(64 - this.#rowBits)) === home) return key;
    }
  }

  look(half: 1 | 2, key: Uint8Array): Look {
    const bit = Number(sumOf(key) >> BigInt(61 - this.#rowBits));
    if (!this.hasBit(half, bit)) return 'miss';
    for (let probe = 0; probe < PROBES_MAX; probe += 1) {
      const row = this.row(half, (bit >> 3) + probe);
      if (row.state === 'empty') return 'miss';
      if (row.state !== 'used' || Buffer.compare(row.key, key) !== 0) continue;
      return row.proven ? row.words : 'hash';
    }
    return 'hash';
  }

  hasBit(half: 1 | 2, bit: number): boolean {
    const at = (half - 1) * this.halfRows + 8 * Math.floor(bit / 64);
    const word = must('filter', this.native.memoryRead(this.#filterMemory, at, 8));
    return ((new DataView(word.buffer).getBigUint64(0, LITTLE_ENDIAN) >> BigInt(bit % 64)) & 1n) === 1n;
  }

  row(half: 1 | 2, index: number) {
    const row = must('rows', this.native.memoryRead(this.#rowMemory, this.#offset(half, index), this.#rowBytes));
    const at = this.keyBytes;
    const key = row.subarray(0, at);
    const value = new Uint8Array(VALUE_BYTES);
    value.set(row.subarray(at, at + 4), 4);
    value.set(row.subarray(at + 8, at + 48), 8);
    const view = new DataView(value.buffer);
    return {
      key,
      words: value.subarray(8),
      state: STATES[new DataView(row.buffer).getUint32(at + 4, LITTLE_ENDIAN)],
      proven: view.getBigUint64(8, LITTLE_ENDIAN) === checkOf(key, value),
    };
  }

  /** As somebody else who may write the maps does. */
  spoil(half: 1 | 2, row: number, offset: number, bytes: Uint8Array): void {
    this.native.memoryWrite(this.#rowMemory, this.#offset(half, row) + offset, bytes);
  }

  spoilFilter(half: 1 | 2, bytes: Uint8Array): void {
    this.native.memoryWrite(this.#filterMemory, (half - 1) * this.halfRows, bytes);
  }

  [Symbol.dispose](): void {
    for (const handle of [this.table, this.#rowMemory, this.#filterMemory, this.rows, this.filter])
      this.native.close(handle);
  }

  get #rowBytes(): number {
    return ROW_BYTES[this.keyBytes];
  }

  #offset(half: 1 | 2, index: number): number {
    return ((half - 1) * this.halfRows + (index & (this.halfRows - 1))) * this.#rowBytes;
  }
}

/** A value of 48 bytes that proves itself for the key; `n` tells one from another. */
export function valueFor(key: Uint8Array, n: number): Uint8Array {
  const value = new Uint8Array(VALUE_BYTES);
  const view = new DataView(value.buffer);
  view.setUint32(4, n, LITTLE_ENDIAN);
  for (let at = 16; at < VALUE_BYTES; at += 8) view.setBigUint64(at, BigInt(n) * 0x0101_0101_0101n, LITTLE_ENDIAN);
  view.setBigUint64(8, checkOf(key, value), LITTLE_ENDIAN);
  return value;
}

/** The words of a key, each times its constant of bpf/check.h: the check of nothing else, taken apart again. */
export function sumOf(key: Uint8Array): bigint {
  const none = new Uint8Array(key.length);
  return BigInt.asUintN(64, unfolded(key) - unfolded(none));
}

/** The sum before its upper half was laid over the lower one. */
function unfolded(key: Uint8Array): bigint {
  const folded = checkOf(key, new Uint8Array(VALUE_BYTES));
  return folded ^ (folded >> 32n);
}
