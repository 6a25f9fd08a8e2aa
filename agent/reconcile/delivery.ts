import type { Intent } from '../../protocol/intent.ts';
import { MAX_NAMED } from '../../protocol/packets.ts';
import type { Losses } from '../ports.ts';

/** A loss shows for so long after its last packet. */
const ENDS_MS = 60_000;

/** Where a device's packets come from: its name, and the intents whose entries send out of it. */
export interface Egress {
  /** Null once the device is gone. */
  readonly interface: string | null;
  readonly intents: readonly Intent[];
}

/** Packets that die between their verdict and the wire, out of one device and for one reason. */
export interface Undelivered extends Egress {
  readonly ifindex: number;
  /** Absent where the kernel gives none. */
  readonly errno?: string;
  /** Since it began. */
  readonly packets: bigint;
  readonly sinceMs: number;
}

interface Trouble extends Undelivered {
  readonly lastMs: number;
}

interface Total {
  readonly ifindex: number;
  readonly errno?: string;
  readonly packets: bigint;
}

/** Tells from the kernel's growing counts what is being lost now. Pure but for what it remembers of the last look. */
export class Delivery {
  #totals: ReadonlyMap<string, Total> | undefined;
  #complete = true;
  readonly #troubles = new Map<string, Trouble>();

  /** What was lost within the last minute; null when nothing was, and not all that could tell is watched. */
  get undelivered(): readonly Undelivered[] | null {
    return this.#troubles.size === 0 && !this.#complete ? null : [...this.#troubles.values()];
  }

  /**
   * Takes the counts as they are now; answers what has begun to be lost, and whether anything is listed anew or no more.
   * The first look only tells where the counts stand: what was lost before is no news. `egressOf` is asked for those
   * devices alone that lost packets since the last look.
   */
  look(
    { losses, unwatched }: Losses,
    egressOf: (ifindex: number) => Egress,
    nowMs: number,
  ): { readonly begun: readonly Undelivered[]; readonly changed: boolean } {
    const before = this.#totals;
    this.#totals = totalsOf(losses);
    this.#complete = unwatched.length === 0;
    const begun: Undelivered[] = [];
    for (const [id, { packets, ...of }] of before === undefined ? [] : this.#totals) {
      const more = packets - (before?.get(id)?.packets ?? 0n);
      if (more <= 0n) continue;
      const known = this.#troubles.get(id);
      const seen = egressOf(of.ifindex);
      const trouble = {
        ...of,
        interface: seen.interface ?? known?.interface ?? null,
        intents: seen.intents.length === 0 ? (known?.intents ?? []) : seen.intents,
        packets: more + (known?.packets ?? 0n),
        sinceMs: known?.sinceMs ?? nowMs,
        lastMs: nowMs,
      };
      this.#troubles.set(id, trouble);
      if (known === undefined) begun.push(trouble);
    }
    return { begun, changed: this.#end(nowMs) || begun.length > 0 };
  }

  #end(nowMs: number): boolean {
    const over = [...this.#troubles].filter(([, { lastMs }]) => nowMs - lastMs >= ENDS_MS);
    for (const [id] of over) this.#troubles.delete(id);
    return over.length > 0;
  }
}

/** Adds up what several tracepoints say of one device and errno. */
function totalsOf(losses: Losses['losses']): Map<string, Total> {
  const totals = new Map<string, Total>();
  for (const { ifindex, errno, packets } of losses) {
    const id = `${ifindex} ${errno ?? ''}`;
    const sum = packets + (totals.get(id)?.packets ?? 0n);
    totals.set(id, { ifindex, ...(errno !== undefined && { errno }), packets: sum });
  }
  return totals;
}

/** The first names in their order, as many as a status carries. */
export function someOf(intents: readonly Intent[]): Intent[] {
  return intents.toSorted((a, b) => (a.name < b.name ? -1 : 1)).slice(0, MAX_NAMED);
}
