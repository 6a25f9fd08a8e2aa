import type { Native } from '../../native/index.ts';
import type { EntryKey } from '../model/entry-key.ts';
import { type Op, type OpResult, runsOf } from '../model/op.ts';
import type { Entries, Limits, Looked, Observed, ObservedEntry, Swept } from '../ports.ts';
import { LIMITS, MTU_MAX } from './abi.ts';
import { u32 } from './bytes.ts';
import type { Control } from './control.ts';
import { EntryMaps } from './entry-maps.ts';
import { errnoName, isErrno } from './errno.ts';
import type { OpenMaps } from './open-maps.ts';
import type { ProtectedList } from './protected.ts';
import type { Tables } from './row-table.ts';

/** Entries in the redirect maps, live shapes in theirs, ports in the devmap. Errors: KernelError. */
export class KernelEntries implements Entries {
  readonly limits: Limits;
  readonly #native: Native;
  readonly #maps: OpenMaps;
  readonly #control: Control;
  readonly #entries: EntryMaps;
  readonly #protected: ProtectedList;

  constructor(native: Native, maps: OpenMaps, tables: Tables, control: Control, protect: ProtectedList, slots: number) {
    this.limits = { slots, shapes: LIMITS.SHAPES_MAX, mtu: MTU_MAX };
    this.#native = native;
    this.#maps = maps;
    this.#control = control;
    this.#protected = protect;
    this.#entries = new EntryMaps(native, { 4: maps.redirect4, 6: maps.redirect6 }, tables);
  }

  observe(): Observed {
    return { entries: this.#entries.observe(), ...this.#rest };
  }

  look(): Looked {
    const { more, ...part } = this.#entries.look();
    return { ...part, ...(!more && { rest: this.#rest }) };
  }

  get #rest(): Pick<Observed, 'shapes' | 'protects'> {
    return { shapes: { 4: this.#control.shapes(4), 6: this.#control.shapes(6) }, protects: this.#protected.read() };
  }

  sweep(): Swept {
    return this.#entries.sweep();
  }

  lookup(keys: readonly EntryKey[]): Map<string, ObservedEntry> {
    return this.#entries.lookup(keys);
  }

  tend(): boolean {
    return this.#entries.tend();
  }

  apply(ops: readonly Op[]): OpResult[] {
    return runsOf(ops).flatMap((run) => this.#applyRun(run));
  }

  /** Carries out ops of one kind. */
  #applyRun(run: readonly Op[]): OpResult[] {
    const entryOps = run.filter((op) => op.op === 'write' || op.op === 'delete');
    if (entryOps.length > 0) return this.#entries.apply(entryOps);
    return run.flatMap((op) => {
      if (op.op === 'shapes') return [this.#control.publishShapes(op.family, op.shapes)];
      if (op.op === 'protect') return [this.#protected.publish(op.matches)];
      return op.op === 'port' ? [this.#port(op.ifindex, op.present)] : [];
    });
  }

  #port(ifindex: number, present: boolean): OpResult {
    const key = u32(ifindex);
    const rc = present
      ? this.#native.mapUpdateElem(this.#maps.ports, key, key, 0)
      : this.#native.mapDeleteElem(this.#maps.ports, key);
    if (rc === 0) return { done: true };
    return !present && isErrno(rc, 'ENOENT') ? { done: true, absent: true } : { done: false, errno: errnoName(rc) };
  }
}
