import type { EntryState } from '../model/state.ts';
import { PackedMap, widened } from './packed-map.ts';

/** States by key: those that stand, which are nearly all, without an object each. */
export class EntryStates extends PackedMap<EntryState> {
  #slots = new Uint32Array();
  #revs = new Float64Array();
  #sinceMs = new Float64Array();
  #installedAtMs = new Float64Array();
  /** NaN where it is not armed. */
  #armed = new Float64Array();
  /** By row, all that are no rows of numbers. */
  readonly #others = new Map<number, EntryState>();

  /** The slot of a key, for which no state is made. */
  slotOf(key: string): number | null | undefined {
    const row = this.rowOf(key);
    if (row === undefined) return undefined;
    const other = this.#others.get(row);
    return other === undefined ? this.#slots[row] : other.slot;
  }

  /** How many stand and say nothing else. */
  get plain(): number {
    return this.size - this.#others.size;
  }

  /** All but those, in their order; of a hundred thousand that stand none is made. */
  *others(): IteratorObject<EntryState, undefined, undefined> {
    if (this.#others.size === 0) return;
    for (const row of this.rows()) {
      const other = this.#others.get(row);
      if (other !== undefined) yield other;
    }
  }

  protected read(row: number, key: string): EntryState {
    return this.#others.get(row) ?? this.#plain(row, key);
  }

  protected write(row: number, state: EntryState): void {
    if (!isPlain(state)) {
      this.#others.set(row, state);
      return;
    }
    this.#others.delete(row);
    this.#slots[row] = state.slot;
    this.#revs[row] = state.rev;
    this.#sinceMs[row] = state.sinceMs;
    this.#installedAtMs[row] = state.installedAtMs;
    this.#armed[row] = state.armed ?? Number.NaN;
  }

  protected clear(row: number): void {
    this.#others.delete(row);
  }

  protected widen(rows: number): void {
    this.#slots = widened(this.#slots, rows);
    this.#revs = widened(this.#revs, rows);
    this.#sinceMs = widened(this.#sinceMs, rows);
    this.#installedAtMs = widened(this.#installedAtMs, rows);
    this.#armed = widened(this.#armed, rows);
  }

  #plain(row: number, key: string): EntryState {
    const [slot, rev, sinceMs] = [this.#slots[row] ?? 0, this.#revs[row] ?? 0, this.#sinceMs[row] ?? 0];
    const [installedAtMs, armed = Number.NaN] = [this.#installedAtMs[row] ?? 0, this.#armed[row]];
    const state = { key, slot, rev, state: 'installed', sinceMs, installedAtMs } as const;
    return Number.isNaN(armed) ? state : { ...state, armed };
  }
}

/** States apart from those that only stand, which are counted: a status is told often. Of any other map all are others. */
export function apart(states: ReadonlyMap<string, EntryState>): {
  readonly plain: number;
  readonly others: Iterable<EntryState>;
} {
  if (states instanceof EntryStates) return { plain: states.plain, others: states.others() };
  return { plain: 0, others: states.values() };
}

/** It stands, and nothing else is to be said of it. */
function isPlain(it: EntryState): it is EntryState & { readonly slot: number; readonly installedAtMs: number } {
  const { state, slot, code, errno, installedAtMs, retryAtMs, counted } = it;
  const isClean = code === undefined && errno === undefined && retryAtMs === undefined && counted === undefined;
  return state === 'installed' && isClean && installedAtMs !== undefined && slot !== null && slot >>> 0 === slot;
}
