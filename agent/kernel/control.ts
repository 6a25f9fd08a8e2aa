import type { MapHandle, MemoryHandle, Native } from '../../native/index.ts';
import type { Family } from '../../protocol/match.ts';
import type { Shape } from '../../protocol/shape.ts';
import type { Mark } from '../model/mark.ts';
import type { OpResult } from '../model/op.ts';
import type { Words } from '../ports.ts';
import { STRUCTS } from './abi.ts';
import { LITTLE_ENDIAN } from './check.ts';
import { errnoName, requireDone, requireValue } from './errno.ts';
import { awaitPackets } from './grace.ts';
import { decodeMark, encodeMark, markOffset } from './layout.ts';
import { decodeShapes, encodeShapes, listAt } from './shapes.ts';

const AT = STRUCTS.control;
const SELECTOR = { 4: AT.shapes4, 6: AT.shapes6 } as const;
const TABLE = { 4: AT.table4, 6: AT.table6 } as const;

/** The map `control`: which shapes of the map `shapes` and which halves of tables are live, the mark, bypass and ready. */
export class Control implements Words {
  readonly #native: Native;
  readonly #instance: string;
  readonly #memory: MemoryHandle;
  readonly #shapes: MemoryHandle;
  /** The idle list of a family may still be read by a packet that began before the last publication. */
  readonly #settling = new Set<Family>();

  /** `instance`: of the maps, as the loader drew it. */
  constructor(native: Native, control: MapHandle, shapes: MapHandle, instance: string) {
    this.#native = native;
    this.#instance = instance;
    this.#memory = requireValue(native.mapMmap(control, true), 'mmap', 'control');
    this.#shapes = requireValue(native.mapMmap(shapes, true), 'mmap', 'shapes');
  }

  /** The live list of a family, most specific first; undefined unless every byte is as we write it, masks too. */
  shapes(family: Family): readonly Shape[] | undefined {
    const { offset, length } = listAt(family, this.#live(family));
    const bytes = requireValue(this.#native.memoryRead(this.#shapes, offset, length), 'read', `shapes${family}`);
    const shapes = decodeShapes(family, bytes);
    return Buffer.compare(encodeShapes(family, shapes), bytes) === 0 ? shapes : undefined;
  }

  /** Writes the idle list whole, then makes it the live one by one aligned store. */
  publishShapes(family: Family, shapes: readonly Shape[]): OpResult {
    if (this.#settling.has(family)) awaitPackets(this.#native, `shapes${family}`);
    const idle = this.#live(family) === 0 ? 1 : 0;
    const rc = this.#native.memoryWrite(this.#shapes, listAt(family, idle).offset, encodeShapes(family, shapes));
    if (rc < 0) return { done: false, errno: errnoName(rc) };
    this.#store(SELECTOR[family], idle);
    this.#settling.add(family);
    return { done: true };
  }

  mark(): Mark | undefined {
    return decodeMark(this.#read(markOffset(this.#liveMark()), STRUCTS.mark.size));
  }

  /** Writes the idle mark, then makes it the live one: a crash between leaves the old one whole. */
  setMark(mark: Mark): void {
    const idle = this.#liveMark() === 0 ? 1 : 0;
    requireDone(this.#native.memoryWrite(this.#memory, markOffset(idle), encodeMark(mark)), 'write', 'the mark');
    this.#store(AT.mark_live, idle);
  }

  bypass(): boolean {
    return this.#word(AT.bypass) !== 0;
  }

  blinds(): string {
    return `${this.#instance}:${this.#word(AT.blinds)}`;
  }

  isReady(): boolean {
    return this.#word(AT.ready) !== 0;
  }

  setReady(ready: boolean): void {
    this.#store(AT.ready, ready ? 1 : 0);
  }

  /** Which half of a family's table packets meet; 0: none. */
  table(family: Family): number {
    return this.#word(TABLE[family]);
  }

  setTable(family: Family, half: 0 | 1 | 2): void {
    this.#store(TABLE[family], half);
  }

  /** As the program reads the selector, whatever stands in it. */
  #live(family: Family): 0 | 1 {
    return (this.#word(SELECTOR[family]) & 1) === 0 ? 0 : 1;
  }

  #liveMark(): 0 | 1 {
    return this.#word(AT.mark_live) === 0 ? 0 : 1;
  }

  #word(offset: number): number {
    const bytes = this.#read(offset, 4);
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, LITTLE_ENDIAN);
  }

  #store(offset: number, value: number): void {
    requireDone(this.#native.memoryStoreU32(this.#memory, offset, value), 'store', 'control');
  }

  #read(offset: number, length: number): Uint8Array {
    return requireValue(this.#native.memoryRead(this.#memory, offset, length), 'read', 'control');
  }
}
