import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import type { Cursor } from '../../protocol/cursor.ts';
import type { Event, EventKind } from '../../protocol/event.ts';
import type { EntryState, State } from '../model/state.ts';
import { StoreError } from '../model/store-error.ts';
import type { Acceptance, DesiredStore, Kernel, Reconciling, Stored } from '../ports.ts';
import { Convergence } from './convergence.ts';
import { Delivery, someOf } from './delivery.ts';
import type { PassResult } from './pass-result.ts';
import type { Progress } from './summarise.ts';

/** A full read-back, so that what somebody else changed is repaired. */
const DRIFT_MS = 60_000;
/** Neighbours are asked again; the kernel's own entries go stale after 30 s on average. */
const PROBE_MS = 20_000;
/** A look at the network without a notice: a peer's GRO or a new attachment tells nobody over rtnetlink. */
const NETWORK_MS = 5_000;

/** So many keys leave some ten megabytes of garbage behind. */
const BULK_KEYS = 10_000;

export interface ReconcilerOptions {
  readonly kernel: Kernel;
  readonly store: DesiredStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly host: string;
  /** Called when something that status shows has changed. */
  readonly onChange: () => void;
  readonly publish: (event: Event) => void;
  /** Called once, with what went wrong, when the store or the kernel is lost as a whole. */
  readonly onFatal: (error: unknown) => void;
  readonly driftMs?: number;
  /** Called when many keys have been settled, and their garbage is worth giving back. */
  readonly afterBulk?: () => void;
}

/**
 * Keeps the kernel equal to desired state, one pass at a time: wake-ups coalesce, and say only "look again". While it
 * is holding it touches nothing until a whole proven set arrives.
 */
export class Reconciler implements Reconciling {
  readonly #options: ReconcilerOptions;
  readonly #convergence: Convergence;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #watching: Disposable;
  #cursor: Cursor;
  #applied = 0;
  #verified = 0;
  #running: Promise<void> | undefined;
  #alarm: NodeJS.Timeout | undefined;
  /** Nothing is touched before a whole set is proven: the store is damaged, or older than the kernel (R8). */
  #holding: boolean;
  /** By key; undefined is a key whose entry is gone for good. */
  readonly #unsaved = new Map<string, EntryState | undefined>();
  readonly #delivery = new Delivery();
  #closed = false;
  #bypass = false;

  constructor(options: ReconcilerOptions, stored: Stored, holding: boolean) {
    this.#options = options;
    this.#cursor = stored.cursor;
    this.#holding = holding;
    this.#convergence = new Convergence(options.kernel, stored.intents, stored.entries);
    this.#watching = options.kernel.net.watch(() => {
      this.#convergence.lookAtNetworkNext();
      this.#wake();
    });
    this.#every(options.driftMs ?? DRIFT_MS, () => this.#convergence.readBackNext());
    this.#every(NETWORK_MS, () => {
      this.#convergence.lookAtNetworkNext();
      this.#lookAtBypass();
    });
    this.#every(PROBE_MS, () => this.#convergence.probe());
  }

  accepted(acceptance: Extract<Acceptance, { outcome: 'accepted' }>, cursor: Cursor): void {
    this.#options.kernel.words.setMark({ ...cursor, seq: acceptance.seq });
    // Only now is it known what is foreign.
    if (this.#holding || this.#cursor.epoch === '') this.#convergence.readBackNext();
    this.#cursor = cursor;
    // A set whose revisions start again lower is not applied yet either.
    this.#applied = Math.min(this.#applied, Math.max(0, cursor.rev - 1));
    this.#verified = Math.min(this.#verified, this.#applied);
    this.#holding = false;
    if (acceptance.whole) this.#convergence.keepOnly(new Set(acceptance.put.map(({ key }) => key)));
    else this.#convergence.remove(acceptance.removed);
    this.#convergence.put(acceptance.put);
    this.#wake();
  }

  again(keys: readonly string[]): void {
    this.#convergence.again(keys);
    this.#wake();
  }

  progress(): Progress {
    const convergence = this.#convergence;
    return {
      cursor: this.#cursor,
      applied: this.#applied,
      verified: this.#verified,
      desired: convergence.desired,
      states: convergence.states,
      deleteAbsent: convergence.deleteAbsent,
      slotsUsed: convergence.slotsUsed,
      slots: this.#options.kernel.entries.limits.slots,
      shapes: convergence.shapes,
      network: convergence.network,
      bypass: this.#options.kernel.words.bypass(),
      undelivered: this.#delivery.undelivered,
    };
  }

  /** The state, the observed entry and the intent of each key, for `dump`. */
  get view(): Pick<Convergence, 'desired' | 'states' | 'entryOf'> {
    return this.#convergence;
  }

  /** Makes passes until nothing is due; resolves once what was due at the call is settled. */
  async settle(): Promise<void> {
    this.#wake();
    while (this.#running !== undefined) await this.#running;
  }

  async close(): Promise<void> {
    this.#stop();
    await this.#running;
  }

  /** Begins no pass any more. */
  #stop(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#alarm);
    this.#watching[Symbol.dispose]();
  }

  /** Somebody on this host may have put it on or off. */
  #lookAtBypass(): void {
    const bypass = this.#options.kernel.words.bypass();
    if (bypass === this.#bypass) return;
    this.#bypass = bypass;
    this.#options.log.warn({ bypass }, 'bypass was put on or off');
    this.#options.onChange();
  }

  #every(periodMs: number, act: () => void): void {
    const timer = setInterval(() => {
      act();
      this.#wake();
    }, periodMs);
    this.#timers.push(timer);
  }

  #wake(): void {
    if (this.#closed || this.#running !== undefined) return;
    this.#running = this.#run()
      .catch((error: unknown) => {
        this.#stop();
        this.#options.onFatal(error);
      })
      .finally(() => {
        this.#running = undefined;
        if (this.#convergence.pending && !this.#holding) this.#wake();
      });
  }

  async #run(): Promise<void> {
    await this.#lookAtDelivery();
    if (this.#holding) return;
    const { clock, kernel } = this.#options;
    let decided = 0;
    do {
      await new Promise(setImmediate);
      this.#arm(this.#convergence.tick(clock.nowMs()));
      const result = this.#convergence.pass(clock.nowMs(), () => clock.random(), this.#cursor.epoch !== '');
      for (const { now } of result.changed) this.#unsaved.set(now.key, now);
      for (const { key } of result.forgotten) this.#unsaved.set(key, undefined);
      await this.#save();
      await this.#tell(result);
      decided += result.decided;
      if (result.changed.length > 0 || result.readBack) this.#options.onChange();
    } while (this.#convergence.pending && !this.#closed);
    if (this.#convergence.pending) return;
    kernel.words.setReady(true);
    this.#advance();
    this.#arm(this.#convergence.tick(clock.nowMs()));
    if (decided >= BULK_KEYS) this.#options.afterBulk?.();
  }

  /** Before the pass, which may remove what sends there: an entry says where packets go, not that they arrive. */
  async #lookAtDelivery(): Promise<void> {
    const { clock, host, kernel, log, onChange } = this.#options;
    const at = clock.nowMs();
    const { begun, changed } = this.#delivery.look(
      kernel.counts.losses(),
      (ifindex) => this.#convergence.egress(ifindex),
      at,
    );
    this.#convergence.looked();
    if (changed) onChange();
    for (const { interface: name, ifindex, errno, intents } of begun) {
      log.warn({ interface: name, ifindex, errno, redirects: intents.length }, 'redirected packets do not arrive');
      const why = { code: 'UNDELIVERED', detail: `${name ?? `ifindex ${ifindex}`} ${errno ?? 'no errno'}` } as const;
      const events = someOf(intents).map((intent): Event => {
        return { v: 1, host, at, kind: 'undelivered', key: intent.key, name: intent.name, rev: intent.rev, ...why };
      });
      await this.#record(events);
    }
  }

  async #record(events: readonly Event[]): Promise<void> {
    for (const event of events.slice(0, EVENTS_MAX)) this.#options.publish(event);
    await this.#stored(() => this.#options.store.record(events));
  }

  /** Every change up to the cursor now stands in the kernel and was read back, or is among the exceptions. */
  #advance(): void {
    if (this.#applied === this.#cursor.rev && this.#verified === this.#cursor.rev) return;
    this.#applied = this.#cursor.rev;
    this.#verified = this.#cursor.rev;
    this.#options.onChange();
  }

  #arm(atMs: number | undefined): void {
    clearTimeout(this.#alarm);
    if (atMs === undefined || this.#closed) return;
    // setTimeout holds 31 bits; a longer wait is looked at again on the way.
    const delayMs = Math.min(Math.max(atMs - this.#options.clock.nowMs(), 1), 2 ** 31 - 1);
    this.#alarm = setTimeout(() => this.#wake(), delayMs);
  }

  /** Remembers states; what a full or busy disk did not take goes with the next pass. */
  async #save(): Promise<void> {
    if (this.#unsaved.size === 0) return;
    const rows = [...this.#unsaved];
    const states = rows.flatMap(([, state]) => state ?? []);
    const forgotten = rows.flatMap(([key, state]) => (state === undefined ? [key] : []));
    if (await this.#stored(() => this.#options.store.saveEntries(states, forgotten))) this.#unsaved.clear();
  }

  async #stored(write: () => Promise<void>): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (error) {
      if (!(error instanceof StoreError) || !error.passing) throw error;
      this.#options.log.warn({ code: error.code, reason: error.message }, 'outcomes not stored yet');
      return false;
    }
  }

  async #tell(result: PassResult): Promise<void> {
    const { clock, host, log } = this.#options;
    const at = clock.nowMs();
    const events: Event[] = [];
    for (const { before, now } of result.changed) {
      const kind = eventKind(before, now);
      if (kind === undefined) continue;
      const name = this.#convergence.desired.get(now.key)?.name;
      const detail = now.errno;
      events.push({
        ...{ v: 1, host, at, kind, key: now.key, rev: now.rev },
        ...(name === undefined ? {} : { name }),
        ...(now.code === undefined ? {} : { code: now.code }),
        ...(detail === undefined ? {} : { detail }),
      });
    }
    for (const gone of result.forgotten) events.push({ v: 1, host, at, kind: 'removed', ...gone });
    for (const key of result.drifted) {
      const name = this.#convergence.desired.get(key)?.name;
      events.push({ v: 1, host, at, kind: 'drift', key, ...(name !== undefined && { name }) });
    }
    if (events.length === 0) return;
    log.info({ installed: events.filter((it) => it.kind === 'applied').length, events: events.length }, 'converged');
    await this.#record(events);
  }
}

/** The most events that one pass publishes; the flight recorder keeps them all. */
const EVENTS_MAX = 256;

const KINDS: Readonly<Record<State, EventKind | undefined>> = {
  pending: undefined,
  installed: 'applied',
  idle: 'idle',
  expired: 'expired',
  blocked: 'blocked',
  denied: 'denied',
  failed: 'failed',
};

function eventKind(before: EntryState | undefined, now: EntryState): EventKind | undefined {
  const same = before?.state === now.state && before.code === now.code && before.rev === now.rev;
  return same ? undefined : KINDS[now.state];
}
