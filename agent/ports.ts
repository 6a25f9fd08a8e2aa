import type { Event, EventKind } from '../protocol/event.ts';
import type { Marks } from '../protocol/marks.ts';
import type { Family, Match } from '../protocol/match.ts';
import type { Shape } from '../protocol/shape.ts';
import type { BootTime } from './model/boot-time.ts';
import type { Counter } from './model/counter.ts';
import type { EntryValue } from './model/entry.ts';
import type { EntryKey } from './model/entry-key.ts';
import type { Footing } from './model/footing.ts';
import type { Mark } from './model/mark.ts';
import type { Network, NextHop, NextHopQuery } from './model/network.ts';
import type { Op, OpResult } from './model/op.ts';
import type { SeenSince } from './model/seeing.ts';
import type { EntryState } from './model/state.ts';
import type { Acceptance, Accepted, Beside, Candidate, ConfirmationNews, Move, Stored } from './model/stored.ts';
import type { Unconfirmed } from './model/unconfirmed.ts';

/** An entry read from the kernel; `sound` is false when its check does not fit (foreign or damaged). */
export interface ObservedEntry {
  readonly key: EntryKey;
  readonly value: EntryValue;
  readonly sound: boolean;
}

/** All that the kernel says now. */
export interface Observed {
  /** By `entryId`. To be walked once: a hundred thousand are decoded as they are asked for. */
  readonly entries: Iterable<readonly [id: string, entry: ObservedEntry]>;
  /** The live list of each family; undefined where it is none that we write, so that nobody knows what it matches. */
  readonly shapes: Readonly<Record<Family, readonly Shape[] | undefined>>;
  /** Whose packets pass guarded entries; undefined where it is no list that we write. */
  readonly protects: readonly Match[] | undefined;
}

/** A part of a look at everything. */
export interface Looked {
  /** Entries that stand otherwise than they were last seen or written, by `entryId`; undefined where one stands no more. */
  readonly changed: Iterable<readonly [id: string, entry: ObservedEntry | undefined]>;
  /** How many were looked at. */
  readonly count: number;
  /** What else stands; with the last part alone. */
  readonly rest?: Pick<Observed, 'shapes' | 'protects'>;
}

/** How many strays went: entries of somebody else whose keys no match has. */
export interface Swept {
  readonly removed: Readonly<Record<Family, number>>;
  /** There were more than one sweep takes: look again. */
  readonly more: boolean;
}

/** Packets that died after the program had said where they go, since the maps were made. */
export interface Loss {
  /** The egress; 0 counts what found no room under its own. */
  readonly ifindex: number;
  /** Who says so, e.g. `xdp_devmap_xmit`. */
  readonly tracepoint: string;
  /** Absent where the kernel gives none. */
  readonly errno?: string;
  readonly packets: bigint;
}

/** All losses, and the tracepoints that nobody watches: what they would say is unknown. */
export interface Losses {
  readonly losses: readonly Loss[];
  readonly unwatched: readonly string[];
}

/**
 * Hits that were passed for a reason of their own: by the verdict's name, packets by slot since it was given out. A
 * verdict that has not come up since the last look has the same array again; one that never came up may be left out.
 */
export type PassedHits = ReadonlyMap<string, BigUint64Array>;

/** By slot, what it counted since it was given out: exact below 2^53, above it the nearest double. */
export interface Totals {
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
}

/** jiffies64 now, and jiffies a second. */
export interface KernelTime {
  readonly jiffies: bigint;
  readonly hz: number;
}

/** What the maps have room for; set when they were made. */
export interface Limits {
  /** Redirects. */
  readonly slots: number;
  /** Distinct shapes of each address family: look-ups that a packet may cost. */
  readonly shapes: number;
  /** The largest L3 size that an entry can name, in bytes. */
  readonly mtu: number;
}

/** The entries of the redirect maps, and the shapes and ports that they rely on. */
export interface Entries {
  readonly limits: Limits;
  /** Everything that stands in the maps, in full. Strays are left out: no redirect can be one, but they take room. */
  observe(): Observed;
  /** Goes on with a look at everything, for some milliseconds; the first part after the last one begins another. */
  look(): Looked;
  /** Removes the strays that were met when all of the last `observe` was walked, or the last look came to its end. */
  sweep(): Swept;
  /** The entries of these keys only, by `entryId`; absent ones are left out. */
  lookup(keys: readonly EntryKey[]): ReadonlyMap<string, ObservedEntry>;
  /** Goes on for some milliseconds with what only makes packets faster; true while there is more to do. Errors: KernelError. */
  tend(): boolean;
  /** Carries the ops out in order; one result an op. */
  apply(ops: readonly Op[]): readonly OpResult[];
}

/** Devices, routes and neighbours. */
export interface Net {
  /** The network devices, and what stands in the devmap. */
  network(): Network;
  resolve(queries: readonly NextHopQuery[]): readonly NextHop[];
  /** Asks the neighbour again, so that its entry stays fresh. */
  probe(ifindex: number, address: string): void;
  /** Calls back when links, routes or neighbours may have changed: a hint to look again. */
  watch(onChange: () => void): Disposable;
}

/** What the program counted. */
export interface Counts {
  /** Which counting this is: with another word, what is counted may have begun anew, and slots be of others. */
  readonly epoch: string;
  counters(slots: readonly number[]): readonly Counter[];
  /** One look at a million slots. What it answered before is written anew, where it is given and nobody needs it any more. */
  totals(into?: Totals): Totals;
  /** By slot the jiffies64 of the last hit, 0 where there was none; exact below 2^53. One look at a million slots. */
  seen(): Float64Array;
  /** Waits until no CPU can still count into these slots, whose entries are deleted, and answers their last counts. */
  settled(slots: readonly number[]): readonly Counter[];
  /** The same; and then they read as zero. */
  retire(slots: readonly number[]): readonly Counter[];
  /** Packets by verdict, since the maps were made. */
  verdicts(): ReadonlyMap<string, bigint>;
  losses(): Losses;
  passed(): PassedHits;
}

/** The words that agent, program and operator leave for one another in the map `control`. */
export interface Words {
  mark(): Mark | undefined;
  setMark(mark: Mark): void;
  isReady(): boolean;
  setReady(ready: boolean): void;
  bypass(): boolean;
  /** Another word than before: meanwhile packets may have passed without being counted, or the counts are new ones. */
  blinds(): string;
}

/** The kernel's own clock. A time namespace shifts this process's clocks, and not that one. */
export interface KernelClock {
  now(): KernelTime;
}

/**
 * The kernel as the agent sees it, a port for each kind of thing. Every method is synchronous and short; a KernelError
 * says that all is lost.
 */
export interface Kernel {
  /** The folder where the maps are pinned. */
  readonly pins: string;
  readonly entries: Entries;
  readonly net: Net;
  readonly counts: Counts;
  readonly words: Words;
  readonly clock: KernelClock;
}

/** A stretch of the flight recorder; `first` is the place of its oldest event, 0 where there is none. */
export interface Recorded {
  readonly events: readonly Event[];
  readonly first: number;
}

/** Desired state and what became of it; every method is one transaction. Errors: StoreError. */
export interface DesiredStore {
  /** With the boot's time, what is left of the time of unconfirmed changes goes on from where it was noted. */
  load(at?: BootTime): Promise<Stored>;
  /** The commit counts on from `afterSeq` where that is ahead: the kernel's mark may be of a store that is lost. */
  accept(candidate: Candidate, afterSeq?: number, beside?: Beside): Promise<Acceptance>;
  /** Changes up to `rev` are confirmed; undefined where that is no news, or of another epoch than what is stored. */
  confirm(epoch: string, rev: number, now: () => BootTime): Promise<ConfirmationNews | undefined>;
  /** Moves these of the unconfirmed changes, unless they are others by now; answers those that moved. */
  move(kind: Move, of: readonly Pick<Unconfirmed, 'key' | 'rev'>[], at: BootTime): Promise<readonly Unconfirmed[]>;
  /** Notes that it is this moment: the time of unconfirmed changes goes on from here after a boot. */
  noteTime(at: BootTime): Promise<void>;
  /** Remembers what the brake goes by, where that changed without the set. */
  remember(beside: Pick<Beside, 'brake'>): Promise<void>;
  /**
   * Remembers states; `forget` are keys whose entries are gone for good. Where it need not last, a power cut may take it and
   * what did not last before it; whatever is stored later and lasts has it last, too.
   */
  saveEntries(entries: readonly EntryState[], forget: readonly string[], lasts?: boolean): Promise<void>;
  /** Adds to the flight recorder, which keeps the newest of each key. */
  record(events: readonly Event[]): Promise<void>;
  /** What the flight recorder has of a key, oldest first. */
  history(key: string): Promise<readonly Event[]>;
  /** Looks, as each transaction does first, whether another start would find what is stored. Errors: StoreError REPLACED. */
  requireSame(): void;
  close(): Promise<void>;
}

/** The flight recorder as questions read it. Errors: StoreError. */
export interface Recorder extends Pick<DesiredStore, 'history'> {
  /** The newest events before a place, oldest first. */
  recent(before: number, limit: number): Promise<Recorded>;
}

/** What an agent says to everybody: its status, and events by their kind. */
export type Telling = 'status' | `event.${EventKind}`;

/**
 * The bus as the agent sees it: it carries bytes, and reads none. Nothing here throws for a bus that is down; requests
 * reject with BusError.
 */
export interface Bus {
  /** Raw bytes of each message on our live subject. */
  onLive(handle: (bytes: Uint8Array) => void): void;
  onReconnect(handle: () => void): void;
  /** Answers `ask` requests. */
  onAsk(handle: (verb: string, bytes: Uint8Array) => Promise<Uint8Array>): void;
  /** Asks for a page, and answers what came. */
  sync(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** What cannot be sent now is dropped. */
  publish(telling: Telling, bytes: Uint8Array): void;
  /** The most bytes that a message may have. */
  readonly maxBytes: number;
  connected(): boolean;
  close(): Promise<void>;
}

/** What keeps the agent off the bus, and since when, in ms since 1970. */
export interface BusTrouble {
  readonly code: string;
  readonly reason: string;
  readonly since: number;
}

/** Leaves word on the host of what keeps the agent off the bus: nobody can ask it. Errors: those of the file system. */
export type BusNote = (trouble: BusTrouble | undefined) => void;

/** Where the core tells what is to be heard outside; nobody waits for it. */
export interface Outbox {
  /** Something that status shows is different now. */
  changed(): void;
  event(event: Event): void;
}

/**
 * Remembers, across starts of the agent and within one boot of the host, what to add to the monotonic clock to have the
 * controller's time, in milliseconds. Errors of saving: those of the file system.
 */
export interface TimeStore {
  load(): number | undefined;
  save(offsetMs: number): void;
}

/** The host's boot, and how long ago it was: also while it slept, and whatever becomes of the wall clock. */
export interface BootClock {
  now(): BootTime;
}

/** Remembers since when packets are seen, across starts of the agent. Errors of saving: those of the file system. */
export interface SightStore {
  load(): SeenSince | undefined;
  save(seen: SeenSince): void;
}

/** What the reconciler is told; what returns at once is a hint to work on. */
export interface Reconciling {
  /** What is to be stored with a candidate, if that is stored before anything else of the kind. */
  judge(candidate: Candidate): Beside;
  /** Desired state changed and is stored with what was judged; it stands as `footing` says. Resolves once it is all known. */
  accepted(acceptance: Accepted, footing: Footing, beside: Beside): Promise<void>;
  /** Whether the set is kept as it is, or is not known to be whole: nobody is taken for silent meanwhile. */
  held(is: boolean): void;
  /** These keys were sent again: look at them again. */
  again(keys: readonly string[]): void;
  /** Marks came with nothing that is new; they are stored once it resolves. Errors: StoreError. */
  marked(marks: Marks): Promise<void>;
  /** What the brake withholds is let go; answers how many redirects that were. Errors: StoreError; then it still holds. */
  release(): Promise<number>;
  /** The controller said that it is this time, in epoch milliseconds. */
  heard(atMs: number): void;
}
