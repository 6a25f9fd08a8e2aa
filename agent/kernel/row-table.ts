import type { MapHandle, Native, TableHandle } from '../../native/index.ts';
import type { Family } from '../../protocol/match.ts';
import { KernelError } from '../model/kernel-error.ts';
import type { OpResult } from '../model/op.ts';
import { STRUCTS } from './abi.ts';
import type { Control } from './control.ts';
import { errnoName, isErrno, requireDone, requireValue } from './errno.ts';
import { awaitPackets } from './grace.ts';
import type { Image, Packed } from './image.ts';
import { keySize } from './layout.ts';
import type { OpenMaps } from './open-maps.ts';
import { type Half, RowBuild } from './row-build.ts';
import { RowCheck } from './row-check.ts';

/** An overwrite under the lock changes the element in place and never relinks it (kernel-facts: lock-in-place). */
export const BPF_F_LOCK = 4;
/** Of its rows, so many whose keys went make a table worth building anew: they lengthen searches. */
const GONE_PART = 1 / 8;

/** The word of control that says which half packets may meet; 0: none, and all is asked of the redirect map. */
export type Selector = Pick<Control, 'table' | 'setTable'>;

export interface RowTableParts {
  readonly native: Native;
  readonly family: Family;
  /** The redirect map of the family, which is the truth. */
  readonly map: MapHandle;
  readonly rows: MapHandle;
  readonly filter: MapHandle;
  /** Which half packets may meet. */
  readonly control: Selector;
}

/** Of both families, where the maps were made with tables. */
export type Tables = Readonly<Partial<Record<Family, RowTable>>>;

type TableMaps = Pick<OpenMaps, 'redirect4' | 'redirect6' | 'rows4' | 'rows6' | 'filter4' | 'filter6'>;

/** Errors: KernelError. */
export function openTables(native: Native, maps: TableMaps, control: Selector): Tables {
  const of = (family: Family): RowTable | undefined => {
    const [map, rows, filter] = [maps[`redirect${family}`], maps[`rows${family}`], maps[`filter${family}`]];
    return RowTable.open({ native, family, map, rows, filter, control });
  };
  using opened = new DisposableStack();
  const [four, six] = ([4, 6] as const).map((family) => opened.use(of(family)));
  opened.move();
  return { ...(four && { 4: four }), ...(six && { 6: six }) };
}

/**
 * The rows and the filter in front of one redirect map. Never does a packet find a row that proves itself and says anything
 * else than the map: a row is broken or skipped before the map changes, and proves itself again after. An agent that is killed
 * in between leaves keys of which each has one answer, be it the map's.
 * Flow: `breakRows` → map → `wrote`, `removeRows` → map → `removed`; `compare` with each part of a look at the whole map, and
 * `compared` at its end; `tend` between.
 * Assumptions: one process alone writes map, rows and filter. What another one does to the map, packets meet by
 * the program's own look at it, and the next look at the whole map mends.
 * Caveats: what this process did not fill itself it does not know, and whoever was killed between row and map left a half that
 * misses what the map has. So the half that an agent before it has left serves until the first read-back or change, and
 * then none, until the other one is built.
 */
export class RowTable implements Disposable {
  readonly #parts: RowTableParts;
  readonly #table: TableHandle;
  readonly #rows: number;
  /** What packets meet, of which every word is known; 0: none. */
  #live: Half | 0 = 0;
  #build: RowBuild | undefined;
  #check: RowCheck | undefined;
  /** Keys were removed whose filter bits are still there. */
  #leaving = false;

  private constructor(parts: RowTableParts, table: TableHandle, rows: number) {
    this.#parts = parts;
    this.#table = table;
    this.#rows = rows;
  }

  /** Undefined where the maps were made without a table. Errors: KernelError. */
  static open(parts: RowTableParts): RowTable | undefined {
    const table = parts.native.tableOpen(parts.rows, parts.filter);
    if (typeof table === 'number' && isErrno(table, 'EINVAL')) return undefined;
    const what = `rows${parts.family}`;
    const { maxEntries } = requireValue(parts.native.mapInfo(parts.rows), 'map info', what);
    return new RowTable(parts, requireValue(table, 'open table', what), maxEntries / 2);
  }

  /** Before entries are written. */
  breakRows(keys: Uint8Array): void {
    this.#beforeChange(keys);
    if (this.#live !== 0) this.#do(this.#parts.native.tableBreak(this.#table, this.#live, keys, this.#count(keys)));
  }

  /** After that: what the map took stands in rows again, and of the rest whatever the map says now. */
  wrote(keys: Uint8Array, values: Uint8Array, results: readonly OpResult[]): void {
    if (this.#live === 0) return;
    if (results.every(({ done }) => done)) this.#put(this.#live, keys, values);
    else this.#agree(this.#live, keys);
  }

  /** Before entries are deleted. */
  removeRows(keys: Uint8Array): void {
    this.#beforeChange(keys);
    if (this.#live !== 0) this.#remove(this.#live, keys);
  }

  /** After that. */
  removed(keys: Uint8Array, results: readonly OpResult[]): void {
    if (this.#live !== 0 && results.some(({ done }) => !done)) this.#agree(this.#live, keys);
  }

  /** Has rows say of a key what the map was just seen to say; undefined: that it has none. */
  saw(key: Uint8Array, value: Uint8Array | undefined): void {
    if (this.#live === 0) return;
    if (value === undefined) this.#remove(this.#live, key);
    else this.#put(this.#live, key, value);
  }

  /** Has rows say what this part of a look at the whole map says. Errors: KernelError. */
  compare(part: Packed): void {
    if (this.#build === undefined && this.#live !== 0) this.#agreeWith(this.#live, part);
  }

  /**
   * The look is at its end, and this is what stands: rows and filter come to say no more than that, by `tend`. Where no half is
   * known yet, or too many rows are of keys that went, the other half is built of it. Errors: KernelError.
   */
  compared(stands: Image): void {
    if (this.#build !== undefined) return;
    if (this.#live === 0 || this.#isWorn(this.#live)) this.#begin(copyOf(stands.rows));
    else if (this.#check?.givesUp === true) this.#keepOnly(this.#live, stands.rows);
    else {
      const { native, family } = this.#parts;
      const parts = { native, table: this.#table, family, rows: this.#rows, half: this.#live };
      this.#check = new RowCheck(parts, stands, this.#check?.cancelled);
    }
  }

  /** Builds on for some milliseconds; true while there is more to do. Errors: KernelError. */
  tend(): boolean {
    const build = this.#build;
    if (build === undefined) return this.#checkOn();
    if (build.step()) return true;
    this.#agree(build.half, build.takeChanged());
    if (build.isBehind) return true;
    const before = this.#live;
    this.#parts.control.setTable(this.#parts.family, build.half);
    this.#live = build.half;
    if (before !== 0) this.#do(this.#parts.native.tableClear(this.#table, before, 0, 0));
    this.#build = undefined;
    this.#leaving = true;
    return false;
  }

  [Symbol.dispose](): void {
    this.#parts.native.close(this.#table);
  }

  #beforeChange(keys: Uint8Array): void {
    this.#build?.note(keys);
    this.#leaveUnknown();
  }

  /** Whatever another process has left may say something else than the map: packets ask the map. */
  #leaveUnknown(): void {
    const { control, family } = this.#parts;
    if (this.#live === 0 && control.table(family) !== 0) control.setTable(family, 0);
  }

  /** A packet under way may still read the half that was live before. */
  #begin(dump: Packed): void {
    this.#check = undefined;
    const { native, family, control } = this.#parts;
    const half = (this.#live === 0 ? control.table(family) : this.#live) === 1 ? 2 : 1;
    this.#leaveUnknown();
    awaitPackets(native, `rows${family}`);
    this.#build = new RowBuild({ native, table: this.#table, family, rows: this.#rows }, half, dump);
  }

  #agreeWith(half: Half, { keys, values, count }: Packed): void {
    const { native, family, control } = this.#parts;
    if (control.table(family) !== half) control.setTable(family, half); // somebody else chose another one
    const differing = native.tableDiffering(this.#table, half, keys, values, count);
    for (const index of requireValue(differing, 'compare', `rows${family}`)) {
      const [key, value] = [keySize(family), STRUCTS.value.size];
      this.#put(
        half,
        keys.subarray(index * key, (index + 1) * key),
        values.subarray(index * value, (index + 1) * value),
      );
    }
  }

  #keepOnly(half: Half, { keys, count }: Packed): void {
    const { native, family } = this.#parts;
    const wrong = native.tableKeepOnly(this.#table, half, keys, count);
    if (wrong < 0) requireDone(wrong, 'compare', `rows${family}`);
    this.#endCheck(half, wrong);
  }

  #checkOn(): boolean {
    if (this.#check === undefined || this.#live === 0) return false;
    if (this.#check.step()) return true;
    if (this.#check.isDone) this.#endCheck(this.#live, this.#check.wrong);
    return false;
  }

  /** Rows and filter say no more than what stands; `wrong`: how much of them did. */
  #endCheck(half: Half, wrong: number): void {
    if (wrong > 0) this.#leaving = true;
    this.#check = undefined;
    this.#forget(half);
  }

  /** A packet that began before the map changed may still go by the bit. */
  #forget(half: Half): void {
    if (!this.#leaving) return;
    const { native, family } = this.#parts;
    awaitPackets(native, `filter${family}`);
    this.#do(native.tableForget(this.#table, half));
    this.#leaving = false;
  }

  #isWorn(half: Half): boolean {
    const counts = this.#parts.native.tableCounts(this.#table, half);
    return requireValue(counts, 'count', `rows${this.#parts.family}`).gone > this.#rows * GONE_PART;
  }

  #agree(half: Half, keys: Uint8Array): void {
    const { native, family, map } = this.#parts;
    const size = keySize(family);
    for (let at = 0; at < keys.length; at += size) {
      const key = keys.subarray(at, at + size);
      const value = native.mapLookupElem(map, key, BPF_F_LOCK);
      if (typeof value !== 'number') this.#put(half, key, value);
      else if (isErrno(value, 'ENOENT')) this.#remove(half, key);
      else throw new KernelError('map lookup', `redirect${family}`, errnoName(value));
    }
  }

  #put(half: Half, keys: Uint8Array, values: Uint8Array): void {
    this.#do(this.#parts.native.tablePut(this.#table, half, keys, values, this.#count(keys)));
  }

  #remove(half: Half, keys: Uint8Array): void {
    this.#do(this.#parts.native.tableRemove(this.#table, half, keys, this.#count(keys)));
    this.#leaving = true;
  }

  #do(rc: number): void {
    requireDone(rc, 'write table', `rows${this.#parts.family}`);
  }

  #count(keys: Uint8Array): number {
    return keys.length / keySize(this.#parts.family);
  }
}

function copyOf({ keys, values, count }: Packed): Packed {
  return { keys: keys.slice(), values: values.slice(), count };
}
