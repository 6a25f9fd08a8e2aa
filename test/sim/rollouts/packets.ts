import { encodeCountsReply, parseCountsRequest } from '../../../protocol/counts.ts';
import type { ManualClock } from '../../fakes/manual-clock.ts';
import type { LightHost } from './host.ts';
import { versionOf } from './value.ts';

/** What packets do on a host, as a schedule has it. */
export interface Traffic {
  /** So many a second meet each redirect that stands. */
  readonly perSecond: number;
  /** Of them, so many die on their way out. */
  readonly lostPercent: number;
}

export const BUSY: Traffic = { perSecond: 40, lostPercent: 0 };

/** The packets of a made-up host, and what it tells of them. Its counters begin anew when it has had no power. */
export class Packets {
  traffic = BUSY;
  /** Since when nothing of the host was made otherwise. */
  sinceMs = 0;
  readonly #clock: ManualClock;
  /** By key, since there was power last. */
  readonly #counted = new Map<string, number>();
  /** Of each version of a redirect, ever. */
  readonly #met = new Map<number, number>();
  #sent = 0;
  #lost = 0;
  #epoch = 0;
  #flownMs: number;

  constructor(clock: ManualClock) {
    this.#clock = clock;
    this.#flownMs = clock.monotonicMs();
    this.sinceMs = this.#flownMs;
  }

  metOf(version: number): number {
    return this.#met.get(version) ?? 0;
  }

  /** How long nothing was made otherwise. */
  get steadyMs(): number {
    return this.#clock.monotonicMs() - this.sinceMs;
  }

  changed(): void {
    this.sinceMs = this.#clock.monotonicMs();
  }

  /** Until now, packets have met what stands. */
  flow(kernel: ReadonlyMap<string, string>, meetsNone: boolean): void {
    const nowMs = this.#clock.monotonicMs();
    const each = meetsNone ? 0 : ((nowMs - this.#flownMs) / 1000) * this.traffic.perSecond;
    this.#flownMs = nowMs;
    for (const [key, value] of kernel) {
      this.#counted.set(key, (this.#counted.get(key) ?? 0) + each);
      const version = versionOf(value);
      this.#met.set(version, (this.#met.get(version) ?? 0) + each);
      this.#sent += each;
      this.#lost += (each * this.traffic.lostPercent) / 100;
    }
  }

  /** It has no power. */
  forget(): void {
    this.#counted.clear();
    [this.#sent, this.#lost] = [0, 0];
    this.#epoch += 1;
  }

  /** Answers what controllers ask. */
  answer({ name, boot, disk, failing }: LightHost, bytes: Uint8Array): Uint8Array {
    const { keys } = parseCountsRequest(bytes);
    const counting = `${this.#epoch}`;
    const items = keys.flatMap((key) => {
      const held = disk.set.get(key);
      if (held === undefined) return [];
      const packets = `${Math.floor(this.#counted.get(key) ?? 0)}`;
      const state = failing.has(key) ? ('blocked' as const) : ('installed' as const);
      const counts = { counting, packets, bytes: packets, seenMsAgo: packets === '0' ? null : 1, passed: {} };
      return [{ key, name: held.name, rev: held.rev, state, ...counts }];
    });
    return encodeCountsReply({
      ...{ v: 1, host: name, boot, counterEpoch: counting, at: this.#clock.nowMs() },
      ...{ monotonicMs: Math.floor(this.#clock.monotonicMs()), items },
      absent: keys.filter((key) => !disk.set.has(key)),
      ...{ verdicts: { SENT: `${Math.floor(this.#sent)}` }, losses: [], lost: `${Math.floor(this.#lost)}` },
      unwatched: [],
    });
  }
}
