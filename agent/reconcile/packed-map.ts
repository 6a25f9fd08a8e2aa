import { LookUp } from './look-up.ts';

const FIRST_ROWS = 64;

type Column = Uint32Array | Float64Array;

/**
 * A map whose values are no objects while nobody asks for them: who extends it keeps them in columns, by row. Rows of what went are
 * used again. It is walked in the order of a Map.
 */
export abstract class PackedMap<V> extends LookUp<V> {
  readonly #rows = new Map<string, number>();
  readonly #free: number[] = [];
  #room = 0;

  /** Makes the value that stands in a row. */
  protected abstract read(row: number, id: string): V;
  /** Whatever stood there before. */
  protected abstract write(row: number, value: V): void;
  /** Nothing is to stay of it. */
  protected abstract clear(row: number): void;
  /** Makes columns at least so long. */
  protected abstract widen(rows: number): void;

  get size(): number {
    return this.#rows.size;
  }

  has(id: string): boolean {
    return this.#rows.has(id);
  }

  /** Where the columns say what stands under an id. */
  rowOf(id: string): number | undefined {
    return this.#rows.get(id);
  }

  get(id: string): V | undefined {
    const row = this.#rows.get(id);
    return row === undefined ? undefined : this.read(row, id);
  }

  set(id: string, value: V): void {
    this.write(this.#rows.get(id) ?? this.#add(id), value);
  }

  delete(id: string): boolean {
    const row = this.#rows.get(id);
    if (row === undefined) return false;
    this.#rows.delete(id);
    this.#free.push(row);
    this.clear(row);
    return true;
  }

  /** Holds this text of an id that is there, and the equal one no more. */
  exchange(id: string, row: number): void {
    this.#rows.delete(id);
    this.#rows.set(id, row);
  }

  *entries(): MapIterator<[string, V]> {
    for (const [id, row] of this.#rows) yield [id, this.read(row, id)];
  }

  override *values(): MapIterator<V> {
    for (const [id, row] of this.#rows) yield this.read(row, id);
  }

  override keys(): MapIterator<string> {
    return this.#rows.keys();
  }

  rows(): MapIterator<number> {
    return this.#rows.values();
  }

  #add(id: string): number {
    const row = this.#free.pop() ?? this.#rows.size;
    if (row >= this.#room) {
      this.#room = Math.max(FIRST_ROWS, row + (row >> 2));
      this.widen(this.#room);
    }
    this.#rows.set(id, row);
    return row;
  }
}

/** The same column, with room for so many rows. */
export function widened<C extends Column>(column: C, rows: number): C {
  const wider = new (column.constructor as new (length: number) => C)(rows);
  wider.set(column);
  return wider;
}
