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

const NOTHING = { entries: [], isAll: false } as const;

/** When the kernel is looked at again, in full or for its network alone, and what somebody else changed there. */
export class Looks {
  readonly #parts: LooksParts;
  #full = true;
  /** A look at everything is under way; `clean`: nothing was found yet. */
  #underWay: { clean: boolean } | undefined;
  #network = false;
  #roomMade = false;

  constructor(parts: LooksParts) {
    this.#parts = parts;
  }

  /** True while there is something to look at, whatever the time. */
  get pending(): boolean {
    return this.#full || this.#underWay !== undefined || this.#network || this.#parts.readBack.pending;
  }

  allNext(): void {
    this.#full = true;
    if (this.#underWay === undefined) this.#parts.readBack.anew();
  }

  networkNext(): void {
    this.#network = true;
  }

  /** Looks at what is due to be looked at, a part of everything at a time; says what was found, and whether that was the last part. */
  look(prune: boolean, nowMs: number): { readonly found: readonly Drift[]; readonly isAll: boolean } {
    const { fights, ledger, readBack } = this.#parts;
    const begins = this.#underWay === undefined && (this.#full || nowMs >= fights.lookMs);
    if (begins) {
      this.#full = false;
      this.#underWay = { clean: true };
    }
    const { entries, isAll } = this.#underWay === undefined ? NOTHING : this.#lookAtSome(prune);
    const network = this.#network || begins ? this.#lookAtNetwork() : [];
    const found = fights.note([...entries, ...network], ledger.desired, nowMs);
    if (this.#underWay !== undefined && found.length > 0) this.#underWay.clean = false;
    if (isAll) {
      fights.looked(this.#underWay?.clean === true && !readBack.pending);
      this.#underWay = undefined;
    }
    return { found, isAll };
  }

  /** Whether the last look at everything has made room in a map; answered once. */
  takeRoomMade(): boolean {
    const made = this.#roomMade;
    this.#roomMade = false;
    return made;
  }

  #lookAtSome(prune: boolean): { readonly entries: readonly Drift[]; readonly isAll: boolean } {
    const { readBack, schedule, targets, ledger } = this.#parts;
    const { drifted: entries, changed, swept, isAll, again } = readBack.some(prune);
    schedule.markDue(changed);
    if (isAll) targets.keepOnly(ledger.desired);
    this.#roomMade ||= swept;
    this.#full ||= again;
    return { entries, isAll };
  }

  #lookAtNetwork(): readonly Drift[] {
    const { schedule, targets, ledger, ports } = this.#parts;
    this.#network = false;
    schedule.markDue(targets.refresh(ledger.desired));
    return ports.look(targets.network);
  }
}
