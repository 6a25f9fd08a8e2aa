import type { Intent } from '../../protocol/intent.ts';
import { entryId } from '../model/entry-key.ts';
import type { OpResult } from '../model/op.ts';
import type { EntryState } from '../model/state.ts';
import type { Kernel, ObservedEntry } from '../ports.ts';
import { applyOps } from './apply.ts';
import { Deadlines, Retries } from './deadlines.ts';
import type { Egress } from './delivery.ts';
import { Departed } from './departed.ts';
import { ObservedCache } from './observed-cache.ts';
import { sameState, stateAfter } from './outcome.ts';
import type { Gone, PassResult } from './pass-result.ts';
import { Placements } from './placements.ts';
import { type Decision, type Plan, plan } from './plan.ts';
import { recoverSlots, Slots } from './slots.ts';
import { Targets } from './targets.ts';
import { Waiting } from './waiting.ts';

/** The most keys that one pass takes, so that the loop turns while a hundred thousand wait. */
const SCOPE_MAX = 1_000;

/**
 * Desired, observed and what became of each key; `pass` makes observed equal desired for the keys that are due. It is
 * the only writer of kernel state, synchronous, and knows neither store nor bus.
 */
export class Convergence {
  readonly desired: Map<string, Intent>;
  readonly states: Map<string, EntryState>;
  deleteAbsent = 0n;
  readonly #kernel: Kernel;
  readonly #due = new Set<string>();
  readonly #expiries = new Deadlines();
  readonly #retries = new Retries();
  readonly #placed = new Placements();
  readonly #departed = new Departed();
  /** Names of intents whose entries are still to go. */
  readonly #leaving = new Map<string, string>();
  readonly #waiting = new Waiting();
  readonly #targets: Targets;
  readonly #slots: Slots;
  readonly #observed: ObservedCache;
  #full = true;
  #networkChanged = false;

  constructor(kernel: Kernel, intents: readonly Intent[], entries: readonly EntryState[]) {
    this.#kernel = kernel;
    this.desired = new Map(intents.map((intent) => [intent.key, intent]));
    this.states = new Map(entries.map((entry) => [entry.key, entry]));
    this.#targets = new Targets(kernel.net);
    this.#observed = new ObservedCache(kernel.entries.observe());
    for (const intent of intents) this.#track(intent);
    this.again([...this.desired.keys(), ...this.states.keys()]);
    this.#slots = this.#recover();
  }

  get network(): Targets['network'] {
    return this.#targets.network;
  }

  get shapes(): number {
    return this.#observed.shapes[4].length + this.#observed.shapes[6].length;
  }

  get slotsUsed(): number {
    return this.#slots.used;
  }

  /** True while keys wait for a pass. */
  get pending(): boolean {
    return this.#full || this.#networkChanged || this.#due.size > 0;
  }

  entryOf(key: string): ObservedEntry | undefined {
    return this.#observed.entries.get(this.#placed.idOf(key));
  }

  /** The device's name, and the intents whose entries send out of it, or did since `looked`. */
  egress(ifindex: number): Egress {
    const sends = (key: string): boolean => {
      const value = this.entryOf(key)?.value;
      return (value?.action === 'send' && value.ifindex === ifindex) || this.#departed.has(key, ifindex);
    };
    return {
      interface: this.network.netdevs.find((dev) => dev.ifindex === ifindex)?.name ?? null,
      intents: [...this.desired.values()].filter(({ key }) => sends(key)),
    };
  }

  /** Losses were looked at up to now. */
  looked(): void {
    this.#departed.clear();
  }

  put(intents: readonly Intent[]): void {
    for (const intent of intents) {
      this.desired.set(intent.key, intent);
      this.#leaving.delete(intent.key);
      this.#retries.restart(intent.key);
      this.#track(intent);
      this.#due.add(intent.key);
    }
  }

  remove(keys: readonly string[]): void {
    for (const key of keys) {
      const intent = this.desired.get(key);
      if (intent !== undefined) this.#leaving.set(key, intent.name);
      this.desired.delete(key);
      this.#expiries.drop(key);
      this.#due.add(key);
    }
  }

  /** Desires none but these any more. */
  keepOnly(keys: ReadonlySet<string>): void {
    this.remove([...this.desired.keys()].filter((key) => !keys.has(key)));
  }

  again(keys: Iterable<string>): void {
    for (const key of keys) this.#due.add(key);
  }

  readBackNext(): void {
    this.#full = true;
  }

  lookAtNetworkNext(): void {
    this.#networkChanged = true;
  }

  /** Makes every key due whose time has come; answers when the next one is, epoch milliseconds. */
  tick(nowMs: number): number | undefined {
    this.again(this.#expiries.take(nowMs));
    this.again(this.#retries.take(nowMs));
    const next = Math.min(this.#expiries.firstMs, this.#retries.firstMs);
    return Number.isFinite(next) ? next : undefined;
  }

  /** Asks every neighbour in use again, so that its entry neither ages out nor stays unresolved. */
  probe(): void {
    for (const { ifindex, address } of this.#targets.probes()) this.#kernel.net.probe(ifindex, address);
  }

  /** One pass over what is due. Foreign entries go with a full read-back, and only when `prune` says that the set is proven. */
  pass(nowMs: number, random: () => number, prune: boolean): PassResult {
    const readBack = this.#full;
    const drifted = readBack ? this.#readBack() : [];
    if (this.#networkChanged || readBack) this.again(this.#targets.refresh(this.desired));
    this.#networkChanged = false;
    this.#full = false;
    const decided = plan({
      scope: this.#takeScope(),
      desired: this.desired,
      states: this.states,
      observed: this.#observed,
      ports: this.network.ports,
      placed: this.#placed,
      targetOf: (intent) => this.#targets.of(intent),
      zoneOf: (ifname) => this.#targets.zoneOf(ifname),
      slots: this.#slots,
      clock: { ...this.#kernel.clock.now(), nowMs },
      foreign: readBack && prune ? this.#foreign() : [],
    });
    this.#slots.take(decided.slotsTaken);
    for (const { key, slot } of decided.decisions) if (slot !== null) this.#slots.hold(slot, key);
    const results = applyOps(this.#kernel.entries, decided.ops);
    return { ...this.#settle(decided, results, nowMs, random), drifted, readBack, decided: decided.decisions.length };
  }

  #track(intent: Intent): void {
    if (intent.expires === undefined) this.#expiries.drop(intent.key);
    else this.#expiries.set(intent.key, intent.expires);
    this.#place(intent);
  }

  /** Owns the entry that may stand in the zone of the intent's interface already. */
  #place({ key, match }: Intent): void {
    if (match.in === undefined || this.#placed.has(key)) return;
    const zone = this.#targets.zoneOf(match.in);
    const id = 'zone' in zone ? entryId({ match, zone: zone.zone }) : undefined;
    if (id !== undefined && !this.#placed.owned(id)) this.#placed.place(key, id);
  }

  /** Gives every key the slot it holds; the free ones have their counters at zero. */
  #recover(): Slots {
    const { slots: total } = this.#kernel.entries.limits;
    const keys = new Set([...this.desired.keys(), ...this.states.keys()]);
    const idOf = (key: string): string => this.#placed.idOf(key);
    const table = recoverSlots(total, keys, this.states, this.#observed.entries, idOf);
    for (const key of keys) {
      const before = this.states.get(key);
      const slot = table.held.get(key) ?? null;
      if (before?.slot === slot) continue;
      this.states.set(key, { ...(before ?? { key, rev: 0, state: 'pending', sinceMs: 0 }), slot });
    }
    this.#kernel.counts.retire(table.free);
    return new Slots(total, table);
  }

  /** A full read-back; answers the keys (of foreign entries the ids) that differ from what stood when we last looked. */
  #readBack(): string[] {
    const drifted = this.#observed.update(this.#kernel.entries.observe());
    const keys = drifted.map((id) => this.#placed.keyOf(id));
    this.again(keys.filter((key) => this.desired.has(key)));
    this.#targets.keepOnly(this.desired);
    return keys;
  }

  #takeScope(): string[] {
    const scope: string[] = [];
    for (const key of this.#due) {
      if (scope.length >= SCOPE_MAX) break;
      scope.push(key);
      this.#due.delete(key);
    }
    return scope;
  }

  /** Ids of entries that stand and that no desired key owns. */
  #foreign(): string[] {
    return [...this.#observed.entries.keys()].filter((id) => !this.#placed.owned(id) && !this.desired.has(id));
  }

  #settle(
    decided: Plan,
    results: readonly OpResult[],
    nowMs: number,
    random: () => number,
  ): Pick<PassResult, 'changed' | 'forgotten'> {
    const released = this.#lookAgain(decided, results);
    const changed: { before: EntryState | undefined; now: EntryState }[] = [];
    const forgotten: Gone[] = [];
    for (const decision of decided.decisions) {
      const before = this.states.get(decision.key);
      const mine = decision.ops.map((i) => results[i] as OpResult);
      if (decision.intent === undefined && mine.every((result) => result.done)) {
        const gone = this.#forget(decision.key, before?.slot ?? null, released);
        if (before !== undefined || mine.length > 0) forgotten.push(gone);
        continue;
      }
      if (decision.want !== undefined) this.#observed.share(decision.want.id, decision.want);
      const seen = decision.want === undefined ? undefined : this.#observed.entries.get(decision.want.id);
      const tries = this.#retries.tries(decision.key);
      const now = stateAfter({ decision, results: mine, before, seen, tries, nowMs, random: random() });
      this.#remember(decision, now);
      if (!sameState(before, now)) changed.push({ before, now });
    }
    this.#release(released);
    return { changed, forgotten };
  }

  /** Reads back every entry that an op touched; answers the slots that entries counted into and no longer do. */
  #lookAgain(decided: Plan, results: readonly OpResult[]): Set<number> {
    const released = new Set<number>();
    const touched = decided.ops.flatMap((op, i) => (op.op === 'write' || op.op === 'delete' ? [{ op, i }] : []));
    const seen = this.#kernel.entries.lookup(touched.map(({ op }) => op.key));
    for (const { op, i } of touched) {
      const stood = this.#observed.entries.get(op.id);
      this.#observed.set(op.id, seen.get(op.id));
      this.#departed.note(this.#placed.keyOf(op.id), stood?.value, seen.get(op.id)?.value);
      const result = results[i];
      if (op.op === 'delete' && result?.done === true && result.absent === true) this.deleteAbsent += 1n;
      if (stood !== undefined && seen.get(op.id)?.value.slot !== stood.value.slot) released.add(stood.value.slot);
    }
    for (const [i, op] of decided.ops.entries()) {
      if (results[i]?.done !== true) continue;
      if (op.op === 'shapes') this.#observed.shapes[op.family] = op.shapes;
      if (op.op === 'port') this.#networkChanged = true;
    }
    return released;
  }

  #remember(decision: Decision, now: EntryState): void {
    this.states.set(decision.key, now);
    if (decision.want === undefined && now.state !== 'failed') this.#placed.drop(decision.key);
    else if (decision.want !== undefined && decision.want.id !== decision.key)
      this.#placed.place(decision.key, decision.want.id);
    if (decision.intent !== undefined) this.#waiting.note(decision.intent, now);
    const expires = decision.intent?.expires;
    if (expires !== undefined && decision.state !== 'expired') this.#expiries.set(decision.key, expires);
    this.#retries.next(decision.key, now.retryAtMs);
  }

  #forget(key: string, slot: number | null, released: Set<number>): Gone {
    const name = this.#leaving.get(key);
    this.#leaving.delete(key);
    this.states.delete(key);
    this.#retries.next(key, undefined);
    this.#placed.drop(key);
    this.#waiting.drop(key);
    if (slot !== null) {
      this.#slots.drop(slot, key);
      released.add(slot);
    }
    return name === undefined ? { key } : { key, name };
  }

  /** Frees slots that no key holds, and wakes those that waited for room of any kind. */
  #release(gone: ReadonlySet<number>): void {
    if (gone.size > 0) this.#kernel.counts.retire(this.#slots.release(gone));
    this.again(this.#waiting.ready(this.#slots.free.length, this.#observed, gone.size > 0));
  }
}
