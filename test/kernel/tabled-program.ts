import { Control } from '../../agent/kernel/control.ts';
import { EntryMaps } from '../../agent/kernel/entry-maps.ts';
import { openTables, type Tables } from '../../agent/kernel/row-table.ts';
import type { EntryValue } from '../../agent/model/entry.ts';
import { type EntryKey, entryId } from '../../agent/model/entry-key.ts';
import { loadNative, type Native } from '../../native/index.ts';
import { parseMatch } from '../../protocol/match.ts';
import { LoadedProgram, SEND } from './loaded-program.ts';

export interface Tabled {
  readonly rowBits?: number;
  readonly entries?: number;
  /** Of the object. */
  readonly path?: string;
  /** What the agent's code calls. */
  readonly native?: Native;
}

/** The real program with a table in front of its maps, and the agent's own code that writes both. */
export class TabledProgram implements Disposable {
  readonly program: LoadedProgram;
  readonly control: Control;
  readonly #native: Native;
  #tables: Tables;
  #entries: EntryMaps;

  constructor({ native = loadNative(), rowBits = 6, ...rest }: Tabled = {}) {
    this.program = new LoadedProgram({ rowBits, ...rest });
    this.#native = native;
    const { control, shapes } = this.program.maps;
    this.control = new Control(native, control, shapes, '');
    this.#tables = openTables(native, this.program.maps, this.control);
    this.#entries = this.#open();
  }

  get entries(): EntryMaps {
    return this.#entries;
  }

  get table(): Tables[4] {
    return this.#tables[4];
  }

  /** Goes on as an agent that was started anew. */
  restart(): void {
    this.#close();
    this.#tables = openTables(this.#native, this.program.maps, this.control);
    this.#entries = this.#open();
  }

  /** Looks at everything, and makes the table of it, or agree with it. */
  readBack(): void {
    while (this.#entries.look().more);
    while (this.#entries.tend());
  }

  put(...entries: readonly (readonly [dst: string, value: Partial<EntryValue>])[]): readonly boolean[] {
    const ops = entries.map(([dst, value]) => {
      const key = keyOf(dst);
      return { op: 'write' as const, id: entryId(key), key, value: { ...SEND, ...value } };
    });
    return this.#entries.apply(ops).map(({ done }) => done);
  }

  remove(...dsts: readonly string[]): readonly boolean[] {
    const ops = dsts.map((dst) => ({ op: 'delete' as const, id: entryId(keyOf(dst)), key: keyOf(dst) }));
    return this.#entries.apply(ops).map(({ done }) => done);
  }

  [Symbol.dispose](): void {
    this.#close();
    this.program[Symbol.dispose]();
  }

  #open(): EntryMaps {
    const { redirect4, redirect6 } = this.program.maps;
    return new EntryMaps(this.#native, { 4: redirect4, 6: redirect6 }, this.#tables);
  }

  #close(): void {
    for (const table of Object.values(this.#tables)) table[Symbol.dispose]();
  }
}

export function keyOf(dst: string): EntryKey {
  return { match: parseMatch({ dst }), zone: 0 };
}
