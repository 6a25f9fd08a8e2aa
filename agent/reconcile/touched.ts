import type { Op, OpResult } from '../model/op.ts';
import type { Entries } from '../ports.ts';
import type { Departed } from './departed.ts';
import type { Fights } from './fights.ts';
import type { KnownPorts } from './known-ports.ts';
import type { Looks } from './looks.ts';
import type { ObservedCache } from './observed-cache.ts';
import type { Placements } from './placements.ts';

export interface TouchedParts {
  readonly entries: Pick<Entries, 'lookup'>;
  readonly observed: ObservedCache;
  readonly placed: Pick<Placements, 'keyOf'>;
  readonly departed: Departed;
  readonly fights: Pick<Fights, 'noteReturned'>;
  readonly ports: KnownPorts;
  readonly looks: Pick<Looks, 'networkNext'>;
}

/** What a look at that found. */
export interface TouchedNow {
  /** Slots that entries counted into and no longer do. */
  readonly released: Set<number>;
  /** Deletes of entries that were not there. */
  readonly absent: number;
}

/** Looks at what ops touched, and remembers what stands there now. */
export class Touched {
  readonly #parts: TouchedParts;

  constructor(parts: TouchedParts) {
    this.#parts = parts;
  }

  /** Errors: KernelError. */
  look(ops: readonly Op[], results: readonly OpResult[], nowMs: number): TouchedNow {
    const found = this.#readBack(ops, results, nowMs);
    for (const [i, op] of ops.entries()) if (results[i]?.done === true) this.#done(op);
    return found;
  }

  #readBack(ops: readonly Op[], results: readonly OpResult[], nowMs: number): TouchedNow {
    const { entries, observed, placed, departed, fights } = this.#parts;
    const released = new Set<number>();
    let absent = 0;
    const touched = ops.flatMap((op, i) => (op.op === 'write' || op.op === 'delete' ? [{ op, i }] : []));
    const seen = entries.lookup(touched.map(({ op }) => op.key));
    for (const { op, i } of touched) {
      const [stood, stands] = [observed.entries.get(op.id), seen.get(op.id)];
      observed.set(op.id, stands);
      departed.note(placed.keyOf(op.id), stood?.value, stands?.value);
      const result = results[i];
      if (op.op === 'delete' && result?.done === true) {
        if (result.absent === true) absent += 1;
        if (stands !== undefined) fights.noteReturned(op.id, nowMs);
      }
      if (stood !== undefined && stands?.value.slot !== stood.value.slot) released.add(stood.value.slot);
    }
    return { released, absent };
  }

  #done(op: Op): void {
    const { observed, ports, looks } = this.#parts;
    if (op.op === 'shapes') observed.shapes[op.family] = op.shapes;
    if (op.op === 'protect') observed.protects = op.matches;
    if (op.op === 'port' && ports.done(op)) looks.networkNext();
  }
}
