import { Waker } from '../../../daemon/waker.ts';
import { type Cursor, sameCursor } from '../../../protocol/cursor.ts';
import type { Labels } from '../../../protocol/host.ts';
import { type Change, intentBody } from '../../../protocol/intent.ts';
import type { Page } from '../../../protocol/page.ts';
import { encodeStatus, type Status } from '../../../protocol/status.ts';
import { parseUpdate, type Update } from '../../../protocol/update.ts';
import type { ManualClock } from '../../fakes/manual-clock.ts';
import { AgentBus, type MemoryBus } from '../../fakes/memory-bus.ts';
import { Disk } from './disk.ts';
import { fetchLog } from './fetch-log.ts';
import { isDenied, type OwnGuard } from './own-guard.ts';
import { Packets } from './packets.ts';
import { statusOf } from './says.ts';
import { kindOf } from './value.ts';
import type { Ways } from './weather.ts';

const STATUS_EVERY_MS = 18_000;
const UNCONFIRMED_EVERY_MS = 3_000;
const SYNC_EVERY_MS = 30_000;
const SYNC_AGAIN_MS = 2_000;
/** So long news of itself waits for more. */
const GATHER_MS = 100;
const APPLY_MS = 20;

/** What a host says that is not so. */
export type Lie =
  /** That all is done, at once; and does nothing. */
  | 'done'
  /** What it said when it began to lie. */
  | 'as it was';

/** What a host is and does, as a schedule has it. */
export interface Bent {
  labels: Labels;
  can: readonly string[];
  ways: Ways;
  /** How long after a change it is in its kernel. */
  applyMs: number;
  /** Where a next hop would be, nobody answers. */
  isBlocked: boolean;
  /** No packet meets its redirects. */
  isBypassed: boolean;
  lie: Lie | undefined;
  /** What cuts it off does so only so long after it came to stand. */
  cutsAfterMs: number;
  /** What redirects may do there. */
  guard: OwnGuard;
}

/** Whether an update begins where the set of a host ends, or before. */
function leadsOn({ epoch, after, changes, prev, rev }: Update, cursor: Cursor): boolean {
  const isInside = after !== null && after.epoch === cursor.epoch && cursor.rev <= after.rev;
  return (epoch === cursor.epoch || isInside) && changes.length > 0 && prev <= cursor.rev && rev > cursor.rev;
}

function laterThan({ rev: last }: Cursor, { changes }: Update): readonly Change[] {
  return changes.filter(({ rev }) => rev > last);
}

/**
 * A host, made up: it follows its log by the messages of the protocol, has a disk and a kernel of two maps, and says how it
 * is. It knows nothing of how agent and controller work.
 */
export class LightHost {
  readonly name: string;
  readonly bent: Bent;
  disk = new Disk();
  /** What its kernel does, by key. */
  readonly kernel = new Map<string, string>();
  /** Keys that do not stand, and why. */
  readonly failing = new Map<string, 'NO_NEIGHBOUR' | 'GUARD_DENIED'>();
  boot = '';
  seq = 0;
  applied = 0;
  verified = 0;
  /** The newest that it ever had in its kernel. */
  bestVerified = 0;
  everLied = false;
  /** It answers what controllers ask of its packets. */
  tells = false;
  readonly packets: Packets;
  /** Is shown whatever it comes to hold, in its set or its kernel. */
  onHold: (value: string) => void = () => {};
  readonly #bus: MemoryBus;
  readonly #clock: ManualClock;
  #end: AbortController | undefined;
  #connection: AgentBus | undefined;
  #downSinceMs: number | undefined;
  /** Of this life: one that ends still has its hands on its own. */
  #work = new Waker();
  #sync = new Waker();
  #dirtyAtMs: number | undefined;
  #cutSinceMs: number | undefined;
  #isSaying = false;
  /** What it says again and again, if it lies so. */
  #told: Status | undefined;

  constructor(name: string, { bus, clock }: { readonly bus: MemoryBus; readonly clock: ManualClock }, bent: Bent) {
    this.name = name;
    this.#bus = bus;
    this.#clock = clock;
    this.bent = bent;
    this.packets = new Packets(clock);
  }

  get runs(): boolean {
    return this.#end !== undefined;
  }

  /** In which ways nothing comes through: what stands may cut it off itself. */
  get ways(): Ways {
    return this.isCutOff ? 'both' : this.bent.ways;
  }

  get isCutOff(): boolean {
    return this.#cutSinceMs !== undefined && this.#clock.monotonicMs() - this.#cutSinceMs >= this.bent.cutsAfterMs;
  }

  /** What it took back, and how long it may have said so. */
  get takenBack(): readonly { readonly rev: number; readonly name: string; readonly saidMs: number }[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.disk.quarantined.values()].map(({ rev, name, atMs }) => ({ rev, name, saidMs: nowMs - atMs }));
  }

  /** How long it has been cut off by what stands there, with an agent that lives. */
  get cutOffMs(): number {
    return this.#cutSinceMs === undefined || !this.runs ? 0 : this.#clock.monotonicMs() - this.#cutSinceMs;
  }

  /** Its agent starts: what is past its deadline goes before it is connected. */
  start(): void {
    if (this.runs) return;
    const nowMs = this.#clock.monotonicMs();
    if (this.#downSinceMs !== undefined) this.disk.delay(nowMs - this.#downSinceMs);
    this.#downSinceMs = undefined;
    this.#end = new AbortController();
    const { signal } = this.#end;
    this.#work = new Waker();
    this.#sync = new Waker();
    this.boot = this.#clock.token(4);
    this.seq = 0;
    this.applied = 0;
    this.verified = 0;
    this.disk.onReverted = () => this.#touch(0);
    this.disk.expire(nowMs);
    this.#cutSinceMs = undefined;
    this.apply();
    const connection = new AgentBus(this.#bus, this.name);
    this.#connection = connection;
    connection.onLive((bytes) => this.#heard(bytes));
    connection.onAsk((verb, bytes) => this.onAsk(verb, bytes));
    this.say();
    for (const loop of [this.#working(signal), this.#syncing(signal), this.#saying(signal)]) loop.catch(() => {});
  }

  /** Answers what it is asked; nothing where it cannot. */
  onAsk = async (verb: string, bytes: Uint8Array): Promise<Uint8Array> => {
    const isMute = this.ways === 'both' || this.ways === 'from';
    if (verb !== 'counts' || !this.tells || !this.runs || isMute) return await new Promise(() => {});
    this.flow();
    return this.packets.answer(this, bytes);
  };

  /** Packets have met what stands, until now. */
  flow(): void {
    this.packets.flow(this.kernel, this.bent.isBypassed || this.#downSinceMs !== undefined);
  }

  /** Nothing is left to be done of what it knows. */
  get isDone(): boolean {
    return this.runs && this.#dirtyAtMs === undefined;
  }

  /** Its agent dies; its kernel goes on, but for what ends by itself. */
  kill(): void {
    if (!this.runs) return;
    this.#end?.abort();
    this.#end = undefined;
    void this.#connection?.close();
    this.disk.onReverted = (key) => void this.kernel.delete(key);
  }

  /** It has no power for a while: its kernel is empty when its agent starts. */
  powerOff(): void {
    this.kill();
    this.flow();
    this.packets.forget();
    this.kernel.clear();
    this.#downSinceMs ??= this.#clock.monotonicMs();
  }

  /** Time has passed for an agent that is dead: the kernel ends what it was told to end. */
  passed(): void {
    if (this.runs || this.#downSinceMs !== undefined) return;
    this.flow();
    this.#kernelEnds(this.#clock.monotonicMs());
  }

  /** Whatever the agent does, the kernel ends what it was told to end. */
  #kernelEnds(nowMs: number): void {
    for (const [key, { deadlineMs = Number.POSITIVE_INFINITY, rev }] of this.disk.pending)
      if (deadlineMs <= nowMs && this.disk.set.get(key)?.rev === rev) this.kernel.delete(key);
  }

  /** Its kernel is made what its disk wants, as far as it can be. */
  apply(): void {
    const { disk, kernel } = this;
    this.flow();
    this.#dirtyAtMs = undefined;
    this.applied = disk.cursor.rev;
    this.verified = disk.cursor.rev;
    this.#tell();
    this.everLied ||= this.bent.lie !== undefined;
    const nowMs = this.#clock.monotonicMs();
    this.failing.clear();
    if (this.bent.lie === 'done') {
      this.#kernelEnds(nowMs);
      disk.expire(nowMs);
      this.#noteCut(nowMs);
      return;
    }
    this.bestVerified = Math.max(this.bestVerified, disk.cursor.rev);
    disk.expire(nowMs);
    for (const key of new Set([...disk.keys, ...kernel.keys()])) {
      const value = disk.wanted(key);
      const isNew = value !== kernel.get(key);
      const denied = value !== undefined && isDenied(this.bent.guard, value);
      const fails = value !== undefined && (denied || kindOf(value) === 'blocked' || (this.bent.isBlocked && isNew));
      if (fails) this.failing.set(key, denied ? 'GUARD_DENIED' : 'NO_NEIGHBOUR');
      if (fails || value === undefined) kernel.delete(key);
      else kernel.set(key, value);
      if (value !== undefined && !fails) this.onHold(value);
      if (!fails) disk.arm(key, nowMs);
    }
    this.#noteCut(nowMs);
  }

  #noteCut(nowMs: number): void {
    const cuts = [...this.kernel.values()].some((value) => kindOf(value) === 'cuts');
    this.#cutSinceMs = cuts ? (this.#cutSinceMs ?? nowMs) : undefined;
  }

  /** Something is to be done, so long from now. */
  #touch(delayMs: number): void {
    this.#dirtyAtMs = Math.min(this.#dirtyAtMs ?? Number.POSITIVE_INFINITY, this.#clock.monotonicMs() + delayMs);
    this.#work.wake();
  }

  /** What stands is looked at again. */
  look(): void {
    if (this.runs) this.#touch(0);
  }

  async #working(signal: AbortSignal): Promise<void> {
    for (;;) {
      const nowMs = this.#clock.monotonicMs();
      const dueAtMs = Math.min(this.#dirtyAtMs ?? Number.POSITIVE_INFINITY, this.disk.nextDeadlineMs);
      if (dueAtMs <= nowMs) this.apply();
      else await this.#work.sleep(this.#clock.delay, Math.min(dueAtMs - nowMs, 3_600_000), signal);
    }
  }

  async #saying(signal: AbortSignal): Promise<void> {
    for (;;) {
      const isUnconfirmed = [...this.disk.pending.values()].some(({ deadlineMs }) => deadlineMs !== undefined);
      const everyMs = isUnconfirmed ? UNCONFIRMED_EVERY_MS : STATUS_EVERY_MS;
      await this.#clock.delay(everyMs * (0.9 + 0.2 * this.#clock.random()), signal);
      this.say();
    }
  }

  /** It is otherwise than it said last. */
  #tell(): void {
    const signal = this.#end?.signal;
    if (signal === undefined || this.#isSaying) return;
    this.#isSaying = true;
    this.#clock.delay(GATHER_MS, signal).then(
      () => this.say(),
      () => {
        this.#isSaying = false;
      },
    );
  }

  say(): void {
    this.#isSaying = false;
    this.seq += 1;
    const { boot, seq } = this;
    if (this.bent.lie !== 'as it was') this.#told = undefined;
    this.#told ??= statusOf(this, this.#clock);
    this.#connection?.publish('status', encodeStatus({ ...this.#told, boot, seq }));
  }

  #heard(bytes: Uint8Array): void {
    if (!this.runs) return;
    const update = parseUpdate(bytes, this.name);
    const { cursor } = this.disk;
    const isKnown = update.epoch === cursor.epoch && update.rev <= cursor.rev;
    if (isKnown || (leadsOn(update, cursor) && this.#take('stored', laterThan(cursor, update), update)))
      this.#mark(update);
    else this.#sync.wake();
  }

  /** Marks are heard with the first changes that they are of: what is confirmed already is not armed. */
  #take(base: 'stored' | 'empty', changes: readonly Change[], of: Update | Page): boolean {
    const nowMs = this.#clock.monotonicMs();
    this.disk.expire(nowMs);
    const { epoch, rev, digest } = of;
    if (!this.disk.take(base, changes, { epoch, rev }, digest)) return false;
    for (const change of changes) if (change.op === 'put') this.onHold(intentBody(change));
    this.#touch(this.bent.lie === 'done' ? 0 : this.bent.applyMs + APPLY_MS * this.#clock.random());
    return true;
  }

  #mark(of: Update | Page): void {
    const { confirmed } = this.disk;
    this.disk.mark(of, this.#clock.monotonicMs());
    if (this.disk.confirmed > confirmed) this.#tell();
  }

  async #syncing(signal: AbortSignal): Promise<void> {
    for (;;) {
      const isDone = await this.#bringUp(signal).catch(() => false);
      signal.throwIfAborted();
      const delayMs = (isDone ? SYNC_EVERY_MS : SYNC_AGAIN_MS) * (0.8 + 0.4 * this.#clock.random());
      await this.#sync.sleep(this.#clock.delay, delayMs, signal);
    }
  }

  /** Answers whether there was an answer that counts. */
  async #bringUp(signal: AbortSignal): Promise<boolean> {
    for (const base of ['stored', 'empty'] as const) {
      const copy = await fetchLog(base, this.name, this.disk.cursor, (request) =>
        this.#connection?.sync(request, signal),
      );
      if (copy === undefined) return false;
      if (copy === 'anew') continue;
      const { page, changes } = copy;
      const at = { epoch: page.epoch, rev: page.rev };
      const { cursor, digest } = this.disk;
      if (at.epoch === cursor.epoch && at.rev < cursor.rev) return true; // an update was faster
      const isKnown = sameCursor(at, cursor) && page.digest === digest;
      if (!isKnown && page.epoch !== '' && !this.#take(base, changes, page)) continue;
      this.#mark(page);
      return true;
    }
    return false;
  }
}
