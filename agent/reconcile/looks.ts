import type { Drift } from './drift.ts';
import type { Fights } from './fights.ts';
import type { KnownPorts } from './known-ports.ts';
import type { Ledger } from './ledger.ts';
import type { ReadBack } from './read-back.ts';
import type { Schedule } from './schedule.ts';
import type { Targets } from './targets.ts';

export interface LooksParts {
  readonly readBack: ReadBack;
  readonly fights: Fights;
  readonly schedule: Schedule;
  readonly ledger: Pick<Ledger, 'desired'>;
  readonly targets: Targets;
  readonly ports: KnownPorts;
}

/** When the kernel is looked at again, in full or for its network alone, and what somebody else changed there. */
export class Looks {
  readonly #parts: LooksParts;
  #full = true;
  #network = false;
  #roomMade = false;

  constructor(parts: LooksParts) {
    this.#parts = parts;
  }

  /** True while there is something to look at, whatever the time. */
  get pending(): boolean {
    return this.#full || this.#network || this.#parts.readBack.pending;
  }

  allNext(): void {
    this.#full = true;
  }

  networkNext(): void {
    this.#network = true;
  }

  /** Looks at what is due to be looked at, and says what was found, and whether that was everything. */
  look(prune: boolean, nowMs: number): { readonly found: readonly Drift[]; readonly isAll: boolean } {
    const { fights, ledger, readBack } = this.#parts;
    const isAll = this.#full || nowMs >= fights.lookMs;
    this.#full = false;
    const entries = isAll ? this.#lookAtAll(prune) : [];
    const network = this.#network || isAll ? this.#lookAtNetwork() : [];
    const found = fights.note([...entries, ...network], ledger.desired, nowMs);
    fights.looked(found.length === 0 && !readBack.pending);
    return { found, isAll };
  }

  /** Whether the last look at everything has made room in a map; answered once. */
  takeRoomMade(): boolean {
    const made = this.#roomMade;
    this.#roomMade = false;
    return made;
  }

  #lookAtAll(prune: boolean): readonly Drift[] {
    const { readBack, schedule, targets, ledger } = this.#parts;
    const { drifted, changed, swept, more } = readBack.all(prune);
    schedule.markDue(changed);
    targets.keepOnly(ledger.desired);
    this.#roomMade = swept;
    this.#full = more;
    return drifted;
  }

  #lookAtNetwork(): readonly Drift[] {
    const { schedule, targets, ledger, ports } = this.#parts;
    this.#network = false;
    schedule.markDue(targets.refresh(ledger.desired));
    return ports.look(targets.network);
  }
}
