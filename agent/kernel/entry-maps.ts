import type { MapHandle, Native } from '../../native/index.ts';
import type { Family } from '../../protocol/match.ts';
import { familyOf } from '../../protocol/match.ts';
import { type EntryKey, entryId } from '../model/entry-key.ts';
import { KernelError } from '../model/kernel-error.ts';
import type { Op, OpResult } from '../model/op.ts';
import type { Looked, ObservedEntry, Swept } from '../ports.ts';
import { STRUCTS } from './abi.ts';
import { type Batch, deleteBatch, writeBatch } from './batch.ts';
import { errnoName, isErrno } from './errno.ts';
import { Image, type Packed } from './image.ts';
import { decodeKey, decodeValue, encodeKey, encodeValue, keySize, valueIsSound, zonesIn } from './layout.ts';
import { BPF_F_LOCK, type Tables } from './row-table.ts';

/** So many strays of a map are remembered, and removed in one go: a few milliseconds. */
const SWEPT_MAX = 16_384;
/** So many entries are looked at in one go: a millisecond, and ten or some where all of them are others. */
const LOOKED_MAX = 2_048;
/** No bucket of a map holds as many. */
const ROOM_MAX = 2 ** 16;

/** Where a look at everything begins. */
const START = { family: 4, from: null } as const;

type EntryOp = Extract<Op, { op: 'write' | 'delete' }>;

/** The two redirect maps as one map of entries, and the tables in front of them. */
export class EntryMaps {
  readonly #native: Native;
  readonly #maps: Readonly<Record<Family, MapHandle>>;
  readonly #tables: Tables;
  /** Keys of the entries that belong to nobody, as they were met. */
  readonly #strays: Record<Family, Uint8Array[]> = { 4: [], 6: [] };
  /** What was last seen, or written. */
  readonly #images: Readonly<Record<Family, Image>>;
  /** Into which it is looked, again and again. */
  readonly #rooms: Readonly<Record<Family, Room>> = { 4: roomOf(4, LOOKED_MAX), 6: roomOf(6, LOOKED_MAX) };
  /** How far the look at everything is. */
  #at: { readonly family: Family; readonly from: Uint8Array | null } = START;

  /** `tables`: what stands in front of the maps, where they were made with it. */
  constructor(native: Native, maps: Readonly<Record<Family, MapHandle>>, tables: Tables = {}) {
    this.#native = native;
    this.#maps = maps;
    this.#tables = tables;
    this.#images = { 4: imageOf(4), 6: imageOf(6) };
  }

  /**
   * Every entry, read under the lock as it is walked; entries changed meanwhile appear in either form. Those whose keys no match
   * has are left for `sweep`. Once all is walked, the tables say the same. Errors: KernelError.
   */
  *observe(): Generator<[id: string, entry: ObservedEntry]> {
    for (const family of [4, 6] as const) {
      const image = this.#images[family];
      const room = roomOf(family, LOOKED_MAX); // whoever walks this may look meanwhile
      this.#strays[family] = [];
      image.beginRound();
      for (let from: Uint8Array | null | undefined = null; from !== undefined; ) {
        const { next, ...part } = this.#read(family, from, room);
        image.take(part);
        for (let i = 0; i < part.count; i += 1) {
          const found = this.#decode(family, part.keys, part.values, i);
          if (found !== undefined) yield found;
        }
        from = next ?? undefined;
      }
      this.#end(family);
    }
  }

  /**
   * Some entries more of all, under the lock, and which of them are others than they were last seen or written; `more`: they are
   * not all. The tables say the same from then on. Errors: KernelError.
   */
  look(): Pick<Looked, 'changed' | 'count'> & { readonly more: boolean } {
    const { family, from } = this.#at;
    const image = this.#images[family];
    if (from === null) image.beginRound();
    const { next, ...part } = this.#read(family, from, this.#rooms[family]);
    const changed: [string, ObservedEntry | undefined][] = [];
    for (const i of image.take(part)) {
      const found = this.#decode(family, part.keys, part.values, i);
      if (found !== undefined) changed.push(found);
    }
    if (next !== null) this.#at = { family, from: next };
    else {
      this.#at = family === 4 ? { family: 6, from: null } : START;
      for (const bytes of this.#end(family)) changed.push(...absent(bytes));
    }
    return { changed, count: part.count, more: this.#at !== START };
  }

  #read(family: Family, from: Uint8Array | null, room: Room): Packed & { readonly next: Uint8Array | null } {
    const { rc, count, next } = this.#native.mapRead(this.#maps[family], from, room.keys, room.values, BPF_F_LOCK);
    if (isErrno(rc, 'ENOSPC') && room.count < ROOM_MAX) return this.#read(family, from, roomOf(family, 2 * room.count));
    if (rc < 0) throw new KernelError('map read', `redirect${family}`, errnoName(rc));
    const keys = room.keys.subarray(0, count * keySize(family));
    const part = { keys, values: room.values.subarray(0, count * STRUCTS.value.size), count };
    this.#tables[family]?.compare(part);
    return { ...part, next };
  }

  /** All entries of a family were looked at; answers the keys of those that went. */
  #end(family: Family): readonly Uint8Array[] {
    const [image, table] = [this.#images[family], this.#tables[family]];
    const gone = image.takeUnmet();
    for (const bytes of gone) table?.saw(bytes, undefined);
    table?.compared(image);
    return gone;
  }

  /** Undefined for a stray, which is remembered; one too many is met again as if it were new. */
  #decode(family: Family, keys: Uint8Array, values: Uint8Array, i: number): [string, ObservedEntry] | undefined {
    const size = keySize(family);
    const bytes = keys.subarray(i * size, (i + 1) * size);
    const key = decodeKey(bytes);
    if (key === undefined) {
      const strays = this.#strays[family];
      if (strays.length <= SWEPT_MAX) strays.push(bytes.slice());
      else this.#images[family].delete(bytes);
      return undefined;
    }
    const value = values.subarray(i * STRUCTS.value.size, (i + 1) * STRUCTS.value.size);
    return [entryId(key), decode(key, bytes, value)];
  }

  /** The zones in which entries stand. Errors: KernelError. */
  zones(): ReadonlySet<number> {
    const of = (family: Family): ReadonlySet<number> => {
      const { rc, count, keys } = this.#native.mapDump(this.#maps[family], BPF_F_LOCK);
      if (rc < 0) throw new KernelError('map dump', `redirect${family}`, errnoName(rc));
      return zonesIn(family, keys.subarray(0, count * keySize(family)));
    };
    return new Set([...of(4), ...of(6)]);
  }

  /** What went meanwhile counts, too: it is gone. */
  sweep(): Swept {
    const more = Object.values(this.#strays).some((keys) => keys.length > SWEPT_MAX);
    return { removed: { 4: this.#sweep(4), 6: this.#sweep(6) }, more };
  }

  #sweep(family: Family): number {
    const strays = this.#strays[family].splice(0).slice(0, SWEPT_MAX);
    if (strays.length === 0) return 0;
    const keys = Buffer.concat(strays);
    const batch = {
      family,
      map: this.#maps[family],
      size: keySize(family),
      keys,
      values: new Uint8Array(),
      count: strays.length,
    };
    return this.#delete(batch).filter((result) => result.done).length;
  }

  /** The tables say of these keys the same from then on. Errors: KernelError. */
  lookup(keys: readonly EntryKey[]): Map<string, ObservedEntry> {
    const entries = new Map<string, ObservedEntry>();
    for (const key of keys) {
      const bytes = encodeKey(key.match, key.zone);
      const family = familyOf(key.match);
      const found = this.#native.mapLookupElem(this.#maps[family], bytes, BPF_F_LOCK);
      if (typeof found === 'number' && !isErrno(found, 'ENOENT'))
        throw new KernelError('map lookup', entryId(key), errnoName(found));
      const value = typeof found === 'number' ? undefined : found;
      if (value !== undefined) entries.set(entryId(key), decode(key, bytes, value));
      this.#images[family].saw(bytes, value);
      this.#tables[family]?.saw(bytes, value);
    }
    return entries;
  }

  /** Builds tables on for some milliseconds; true while there is more to do. Errors: KernelError. */
  tend(): boolean {
    let more = false;
    for (const table of Object.values(this.#tables)) more = table.tend() || more;
    return more;
  }

  /** Carries out writes or deletes, not both, those of each family in batches; one result an op, in order. */
  apply(ops: readonly EntryOp[]): OpResult[] {
    const results = new Array<OpResult>(ops.length);
    for (const family of [4, 6] as const) {
      const indexes = ops.flatMap((op, i) => (familyOf(op.key.match) === family ? [i] : []));
      if (indexes.length === 0) continue;
      const mine = indexes.map((i) => ops[i] as EntryOp);
      const batch = this.#batch(family, mine);
      const outcomes = mine[0]?.op === 'write' ? this.#write(batch) : this.#delete(batch);
      indexes.forEach((i, n) => {
        results[i] = outcomes[n] as OpResult;
      });
    }
    return results;
  }

  #batch(family: Family, ops: readonly EntryOp[]): Batch {
    const size = keySize(family);
    const keys = new Uint8Array(ops.length * size);
    const values = new Uint8Array(ops.length * STRUCTS.value.size);
    ops.forEach((op, i) => {
      const key = encodeKey(op.key.match, op.key.zone);
      keys.set(key, i * size);
      if (op.op === 'write') values.set(encodeValue(key, op.value), i * STRUCTS.value.size);
    });
    return { family, map: this.#maps[family], size, keys, values, count: ops.length };
  }

  #write(batch: Batch): OpResult[] {
    const table = this.#tables[batch.family];
    table?.breakRows(batch.keys);
    const results = writeBatch(this.#native, batch);
    this.#wrote(batch, results);
    table?.wrote(batch.keys, batch.values, results);
    return results;
  }

  /** What was refused is no other than before. */
  #wrote({ family, size, ...batch }: Batch, results: readonly OpResult[]): void {
    const image = this.#images[family];
    if (results.every(({ done }) => done)) image.take(batch);
    else
      results.forEach(({ done }, i) => {
        const value = batch.values.subarray(i * STRUCTS.value.size, (i + 1) * STRUCTS.value.size);
        if (done) image.saw(batch.keys.subarray(i * size, (i + 1) * size), value);
      });
  }

  #delete(batch: Batch): OpResult[] {
    const table = this.#tables[batch.family];
    table?.removeRows(batch.keys);
    const results = deleteBatch(this.#native, batch);
    const { size, keys } = batch;
    results.forEach(({ done }, i) => {
      if (done) this.#images[batch.family].delete(keys.subarray(i * size, (i + 1) * size));
    });
    table?.removed(batch.keys, results);
    return results;
  }
}

/** Of the keys that are no strays. */
function absent(bytes: Uint8Array): [string, undefined][] {
  const key = decodeKey(bytes);
  return key === undefined ? [] : [[entryId(key), undefined]];
}

/** For so many entries. */
type Room = Packed;

function roomOf(family: Family, count: number): Room {
  return { keys: new Uint8Array(count * keySize(family)), values: new Uint8Array(count * STRUCTS.value.size), count };
}

function imageOf(family: Family): Image {
  return new Image(keySize(family), STRUCTS.value.size);
}

function decode(key: EntryKey, bytes: Uint8Array, value: Uint8Array): ObservedEntry {
  return { key, value: decodeValue(value), sound: valueIsSound(bytes, value) };
}
