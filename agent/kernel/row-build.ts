import type { Native, TableHandle } from '../../native/index.ts';
import type { Family } from '../../protocol/match.ts';
import { STRUCTS } from './abi.ts';
import { requireDone } from './errno.ts';
import type { Packed } from './image.ts';
import { keySize } from './layout.ts';

/** Of a table, as the word `table4` or `table6` of control names it. */
export type Half = 1 | 2;

export interface TableParts {
  readonly native: Native;
  readonly table: TableHandle;
  readonly family: Family;
  /** Of each half. */
  readonly rows: number;
}

/** What one step does takes a millisecond or some. */
const CLEARED = 16_384;
const PUT = 4_096;
/** More than a pass of the reconciler changes. */
const AGREED = 2_048;

/** A half that no packet meets yet, on its way from whatever stands in it to what a dump of the map says, step by step. */
export class RowBuild {
  readonly half: Half;
  readonly #native: Native;
  readonly #table: TableHandle;
  readonly #family: Family;
  readonly #dump: Packed;
  /** Of the half. */
  readonly #rows: number;
  #cleared = 0;
  #put = 0;
  /** Keys whose entries are others than in the dump. */
  #changed: Uint8Array[] = [];

  constructor({ native, table, family, rows }: TableParts, half: Half, dump: Packed) {
    this.#native = native;
    this.#table = table;
    this.#family = family;
    this.#rows = rows;
    this.half = half;
    this.#dump = dump;
  }

  note(keys: Uint8Array): void {
    this.#changed.push(keys);
  }

  /** True while there is more; then `takeChanged` has the rest. Errors: KernelError. */
  step(): boolean {
    return this.#clear() || this.#fill();
  }

  /** Keys have changed meanwhile that are still to be put right. */
  get isBehind(): boolean {
    return this.#changed.length > 0;
  }

  /** Some of the keys that changed meanwhile, to be put right by the map. */
  takeChanged(): Uint8Array {
    const most = AGREED * keySize(this.#family);
    const taken: Uint8Array[] = [];
    for (let left = most; left > 0; ) {
      const keys = this.#changed.pop();
      if (keys === undefined) break;
      taken.push(keys.subarray(0, left));
      if (keys.length > left) this.#changed.push(keys.subarray(left));
      left -= Math.min(left, keys.length);
    }
    return Buffer.concat(taken);
  }

  #clear(): boolean {
    if (this.#cleared === this.#rows) return false;
    const count = Math.min(CLEARED, this.#rows - this.#cleared);
    const rc = this.#native.tableClear(this.#table, this.half, this.#cleared, count);
    requireDone(rc, 'clear', `rows${this.#family}`);
    this.#cleared += count;
    return true;
  }

  #fill(): boolean {
    const { keys, values, count } = this.#dump;
    if (this.#put === count) return false;
    const [from, to] = [this.#put, Math.min(this.#put + PUT, count)];
    const size = keySize(this.#family);
    const rc = this.#native.tablePut(
      this.#table,
      this.half,
      keys.subarray(from * size, to * size),
      values.subarray(from * STRUCTS.value.size, to * STRUCTS.value.size),
      to - from,
    );
    requireDone(rc, 'write table', `rows${this.#family}`);
    this.#put = to;
    return true;
  }
}
