import type { Intent } from '../../protocol/intent.ts';
import type { PassedHits } from '../ports.ts';

/** It shows for so long after the last packet. */
const ENDS_MS = 60_000;
/** Between two looks: of a million slots one takes milliseconds. */
const LOOK_MS = 1_000;

/** Epoch milliseconds to tell of, and monotonic ones to reckon with. */
export interface Moment {
  readonly nowMs: number;
  readonly monotonicMs: number;
}

/** Hits of one redirect that are passed for one reason, since it began. */
export interface Passed {
  readonly intent: Intent;
  /** The verdict's name. */
  readonly reason: string;
  readonly packets: bigint;
  readonly sinceMs: number;
}

interface Trouble extends Passed {
  readonly slot: number;
  readonly lastMs: number;
}

/** Tells from the kernel's growing counts whose hits are passed now, and why. Pure but for what it remembers of the last look. */
export class Passing {
  #lookedMs = Number.NEGATIVE_INFINITY;
  #counts: PassedHits | undefined;
  readonly #troubles = new Map<string, Trouble>();

  /** What was passed within the last minute, the most first. */
  get passed(): readonly Passed[] {
    return [...this.#troubles.values()].sort((a, b) => Number(b.packets - a.packets) || byName(a.intent, b.intent));
  }

  isDue(monotonicMs: number): boolean {
    return monotonicMs - this.#lookedMs >= LOOK_MS;
  }

  /**
   * Takes the counts as they are now; answers what has begun, and whether anything is listed anew or no more. The first
   * look only tells where the counts stand. Slots `retired` since the last look count from zero, for whoever has them now.
   */
  look(
    counts: PassedHits,
    holderOf: (slot: number) => Intent | undefined,
    retired: ReadonlySet<number>,
    { nowMs, monotonicMs }: Moment,
  ): { readonly begun: readonly Passed[]; readonly changed: boolean } {
    this.#lookedMs = monotonicMs;
    const ended = this.#end((it) => retired.has(it.slot) || holderOf(it.slot) === undefined);
    const before = this.#counts;
    this.#counts = counts;
    const begun: Passed[] = [];
    for (const [reason, bySlot] of before === undefined ? [] : this.#counts) {
      for (const [slot, packets] of grown(bySlot, before?.get(reason), retired)) {
        const intent = holderOf(slot);
        if (intent === undefined) continue;
        const id = `${slot} ${reason}`;
        const known = this.#troubles.get(id);
        const [sum, sinceMs] = [packets + (known?.packets ?? 0n), known?.sinceMs ?? nowMs];
        const trouble = { intent, reason, slot, packets: sum, sinceMs, lastMs: monotonicMs };
        this.#troubles.set(id, trouble);
        if (known === undefined) begun.push(trouble);
      }
    }
    const over = this.#end(({ lastMs }) => monotonicMs - lastMs >= ENDS_MS);
    return { begun, changed: ended || over || begun.length > 0 };
  }

  #end(isOver: (trouble: Trouble) => boolean): boolean {
    const over = [...this.#troubles].filter(([, trouble]) => isOver(trouble));
    for (const [id] of over) this.#troubles.delete(id);
    return over.length > 0;
  }
}

/** The slots that count more than before, and by how much. */
function* grown(
  now: BigUint64Array,
  before: BigUint64Array | undefined,
  retired: ReadonlySet<number>,
): Generator<readonly [slot: number, packets: bigint]> {
  if (now === before) return;
  const anew = (slot: number): boolean => retired.size > 0 && retired.has(slot);
  for (let slot = 0; slot < now.length; slot += 1) {
    const packets = now[slot] ?? 0n;
    const last = before?.[slot] ?? 0n;
    if (packets === last && !anew(slot)) continue;
    const from = packets < last || anew(slot) ? 0n : last;
    if (packets > from) yield [slot, packets - from];
  }
}

function byName(a: Intent, b: Intent): number {
  return a.name < b.name ? -1 : 1;
}
