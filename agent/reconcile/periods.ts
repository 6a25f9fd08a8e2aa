/** A full read-back, so that what somebody else changed is repaired. */
const DRIFT_MS = 60_000;
/** Neighbours are asked again; the kernel's own entries go stale after 30 s on average. */
const PROBE_MS = 20_000;
/** A look at the network without a notice: a peer's GRO or a new attachment tells nobody over rtnetlink. */
const NETWORK_MS = 5_000;
/** Nor does a file, or an address that is new. */
const GUARD_MS = 5_000;
/** Nor does a store that nobody writes to. */
const STORE_MS = 5_000;
/** Nor does a program that is detached; and while it is, every packet passes. */
const INGRESSES_MS = 1_000;

/** Something that is done again and again. */
export interface Period {
  readonly everyMs: number;
  readonly act: () => void;
}

/** Acts that come round; one that is late is done once, however often it was missed. Times are monotonic milliseconds. */
export class Periods {
  readonly #periods: readonly Period[];
  readonly #dueMs: number[];

  /** Each is due for the first time when its period is over. */
  constructor(periods: readonly Period[], nowMs: number) {
    this.#periods = periods;
    this.#dueMs = periods.map(({ everyMs }) => nowMs + everyMs);
  }

  /** When the next one is due. */
  get nextMs(): number {
    return Math.min(...this.#dueMs);
  }

  /** Does what is due. */
  run(nowMs: number): void {
    for (const [i, { everyMs, act }] of this.#periods.entries()) {
      if (nowMs < (this.#dueMs[i] ?? 0)) continue;
      this.#dueMs[i] = nowMs + everyMs;
      act();
    }
  }
}

/** What an agent looks at unasked, and how often. */
export function roundsOf(
  act: Readonly<Record<'readBack' | 'network' | 'guard' | 'store' | 'ingresses' | 'probe', () => void>>,
): Period[] {
  return [
    { everyMs: DRIFT_MS, act: act.readBack },
    { everyMs: NETWORK_MS, act: act.network },
    { everyMs: GUARD_MS, act: act.guard },
    { everyMs: STORE_MS, act: act.store },
    { everyMs: INGRESSES_MS, act: act.ingresses },
    { everyMs: PROBE_MS, act: act.probe },
  ];
}
