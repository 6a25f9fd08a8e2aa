import { CAN } from '../../agent/model/can.ts';
import { entryId } from '../../agent/model/entry-key.ts';
import type { Op } from '../../agent/model/op.ts';
import type { EntryState } from '../../agent/model/state.ts';
import type { Acceptance, Candidate } from '../../agent/model/stored.ts';
import type { DesiredStore, Kernel, ObservedEntry, Recorder } from '../../agent/ports.ts';
import { serve } from '../../agent/serve.ts';
import type { Clock } from '../../daemon/clock.ts';
import type { Intent } from '../../protocol/intent.ts';
import { AgentBus } from '../fakes/memory-bus.ts';
import type { MemoryKernel } from '../fakes/memory-kernel.ts';
import { MemorySight } from '../fakes/memory-sight.ts';
import { type KeptStore, MemoryStore } from '../fakes/memory-store.ts';
import { MemoryTimes } from '../fakes/memory-times.ts';
import { INGRESS, NEIGHBOUR_NAMES, redirectKey, wire } from './addresses.ts';
import { onDisk } from './disk.ts';
import { GivenUp } from './given-up.ts';
import type { Life } from './life.ts';
import { Mortal } from './mortal.ts';
import { NextHops } from './next-hops.ts';
import { Rival } from './rival.ts';
import { aheadOf } from './seeded-clock.ts';
import { Silence } from './silence.ts';
import type { SqliteDisk } from './sqlite-disk.ts';
import { ToldTime } from './told-time.ts';
import { twofold } from './twofold.ts';
import { WatchedKernel } from './watched-kernel.ts';
import type { World } from './world.ts';

/** Distinct shapes of each family; on one host so few that there is not one for every redirect. */
const SHAPES: Readonly<Record<string, number>> = { b: 2 };
const SHAPES_MAX = 8;

/** A copy of a host's disk, and of the store in memory that goes with it. */
export interface Kept {
  readonly store: KeptStore;
  readonly image: Buffer | undefined;
}

/** A host, whose agent comes and goes: its kernel and its disk outlive that. */
export class Host extends Mortal {
  readonly name: string;
  kernel: MemoryKernel;
  times = new MemoryTimes();
  readonly sight = new MemorySight();
  readonly silence: Silence;
  readonly givenUp: GivenUp;
  /** What it was told of the controllers' time. */
  readonly time: ToldTime;
  readonly rival: Rival;
  readonly nextHops = new NextHops();
  /** Another one for each making of its maps. */
  maps: object = {};
  /** Without a disk, its store; with one, what that one says, as far as the two agree. */
  store = new MemoryStore();
  readonly disk: SqliteDisk | undefined;
  /** By how much its wall clock is ahead of the controller's; negative: behind. */
  aheadMs = 0;
  labels: Readonly<Record<string, string>>;
  /** What its agent says that it can. */
  can = CAN;
  /** Whether an operator had it take the set of a log that may know less. */
  goesBack = false;
  /** Whether its disk did not take the last one: its rows may say less than its agent knows. */
  isBehind = false;
  /** Every role that it ever had. */
  readonly roles = new Set<string | undefined>();
  /** Since when no packet meets the program, monotonic. */
  passedSinceMs: number | undefined;
  /** Whether somebody else wrote to its maps since it booted. */
  tampered = false;
  /** Is shown every op before it is done. */
  onOp: (op: Op) => void = () => {};
  onStart: () => void = () => {};
  /** Is shown what its store was asked to take, and what it answered. */
  onAccept: (candidate: Candidate, acceptance: Acceptance) => void = () => {};
  /** Is shown what its store was asked to keep of its entries. */
  onSave: (rows: readonly EntryState[]) => void = () => {};
  /** Is told where the disk answers otherwise than the store in memory. */
  onDiffer: (what: string) => void = () => {};
  #refusals = 0;
  #meanwhile = 0;
  readonly #world: World;
  #boots = 0;

  constructor(world: World, name: string, labels: Readonly<Record<string, string>>, disk?: SqliteDisk) {
    super();
    this.disk = disk;
    this.#world = world;
    this.name = name;
    this.labels = labels;
    const nowMs = (): number => world.clock.monotonicMs();
    this.silence = new Silence(nowMs);
    this.givenUp = new GivenUp(nowMs);
    this.time = new ToldTime(nowMs);
    this.rival = new Rival(
      (id) => this.kernel.uproot(id),
      (delayMs) => world.clock.delay(delayMs),
    );
    this.kernel = this.#boot();
  }

  start(): void {
    this.onStart();
    this.time.started();
    this.silence.started();
    this.roles.add(this.labels.role);
    const { bus: server } = this.#world;
    let bus: AgentBus | undefined;
    const { life, signal } = this.begin(() => void bus?.close());
    const clock = life.guard(aheadOf(this.#world.clock, () => this.aheadMs));
    const log = life.guard(this.#world.log);
    const { name: host, can, labels } = this;
    const identity = { host, boot: clock.token(4), agent: '0.0.0', can, labels, interfaces: [] };
    const connect = () => {
      bus = new AgentBus(server, host);
      return life.guard(bus);
    };
    const kernel = this.kernel;
    kernel.opsToLive = Number.POSITIVE_INFINITY;
    kernel.openAnew();
    const store = life.guard(onDisk(this.#open(clock), clock, this));
    const [times, sight] = [life.guard(this.times), life.guard(this.sight)];
    const bootId = `${host}-${this.#boots}`;
    const boot = life.guard({ now: () => ({ boot: bootId, ms: Math.floor(this.#world.clock.monotonicMs()) }) });
    const parts = { identity, clock, log, connect, store, times, sight, boot };
    this.run(serve({ ...parts, kernel: guarded(life, kernel), reopen: async () => kernel.openAnew() }, signal));
  }

  async stop(): Promise<void> {
    await this.finish();
  }

  override spare(): void {
    super.spare();
    this.kernel.opsToLive = Number.POSITIVE_INFINITY;
  }

  /** A copy of what is on its disk. */
  keepStore(): Kept {
    return { store: this.store.copy(), image: this.disk?.copy() };
  }

  /** Another disk: an empty one, or one as it was. */
  loseStore(kept: Kept | undefined): void {
    const rows = [...(kept?.store.rows.values() ?? [])];
    this.silence.unknown(rows.filter(({ state }) => state === 'idle').map(({ key }) => key));
    this.givenUp.clear();
    this.store = Object.assign(new MemoryStore(), kept && { ...kept.store, rows: new Map(kept.store.rows) });
    this.disk?.replace(kept?.image);
  }

  /** The row of an intent is damaged; answers false where there is none. */
  flipRow(which: number): boolean {
    return this.#spoil(this.store.flip(which), (key) => this.disk?.flip(key));
  }

  /** The row of an intent is gone; answers false where there is none. */
  loseRow(which: number): boolean {
    return this.#spoil(this.store.loseRow(which), (key) => this.disk?.loseRow(key));
  }

  /** The intents that its agent may know. */
  get known(): ReadonlyMap<string, Intent> {
    const { lost, set } = this.store;
    return lost.size === 0 ? set : new Map([...lost, ...set]);
  }

  /** So many commits its disk does not take from now on; each time a packet meets an entry. */
  refuse(times: number, which: number): void {
    this.#refusals = times;
    this.#meanwhile = which;
  }

  /** Answers false to a commit that its disk does not take. */
  takes(): boolean {
    this.isBehind = this.#refusals > 0;
    if (!this.isBehind) return true;
    this.#refusals -= 1;
    this.hit(this.#meanwhile);
    return false;
  }

  link(name: 'eth0' | 'eth1', up: boolean): void {
    this.kernel.netdev(name, { up });
    this.kernel.notify();
    if (name === INGRESS) this.silence.shut('no carrier', !up);
  }

  /** Somebody takes the program off the ingress; or the loader puts it back, and says so. `told`: the agent is woken. */
  program(attached: boolean, told: boolean): void {
    this.kernel.netdev(INGRESS, { attached: attached ? 'native' : 'none' });
    if (told) this.kernel.notify();
    this.silence.shut('no program', !attached);
    if (attached && this.passedSinceMs !== undefined) this.kernel.blinded += 1;
    if (attached) this.passedSinceMs = undefined;
    else this.passedSinceMs ??= this.#world.clock.monotonicMs();
  }

  /** Nothing disturbs it any more; what its disk is still to refuse it does refuse. */
  calm(): void {
    this.spare();
    this.bypass(false);
    this.program(true, false);
    for (const link of ['eth0', 'eth1'] as const) this.link(link, true);
    for (const name of NEIGHBOUR_NAMES) this.nextHops.say(this.kernel, name, 'resolved');
  }

  /** The loader makes its maps anew, with nothing in them. */
  remakePins(): void {
    this.silence.shut('bypass', false);
    this.silence.blind();
    this.kernel.remake();
    this.maps = {};
  }

  /** What stands, by the key of its redirect. */
  entries(): ReadonlyMap<string, ObservedEntry> {
    return new Map([...this.kernel.peek().entries.values()].map((entry) => [redirectKey(entry.key), entry]));
  }

  /** The host starts anew, and its kernel with it. */
  reboot(): void {
    this.kill();
    this.bury();
    this.times = new MemoryTimes();
    this.time.booted();
    this.tampered = false;
    this.rival.end();
    this.kernel = this.#boot();
  }

  /** A packet meets an entry; answers false where none counts it. */
  hit(which: number): boolean {
    const { kernel } = this;
    const entries = [...kernel.peek().entries].filter(([id]) => kernel.acts(id));
    const [id, entry] = entries[which % Math.max(1, entries.length)] ?? [];
    if (id === undefined || entry === undefined || kernel.bypassed || this.passedSinceMs !== undefined) return false;
    const { packets, bytes } = kernel.counters([entry.value.slot])[0] ?? { packets: 0n, bytes: 0n };
    kernel.count(entry.value.slot, { packets: packets + 1n, bytes: bytes + 64n, seen: kernel.clock.now().jiffies });
    this.silence.came(redirectKey(entry.key));
    this.givenUp.drop(redirectKey(entry.key));
    return true;
  }

  bypass(on: boolean): void {
    const { kernel } = this;
    if (on && !kernel.bypassed) kernel.blinded += 1;
    this.silence.shut('bypass', on);
    kernel.bypassed = on;
  }

  #spoil(key: string | undefined, onDisk: (key: string) => void): boolean {
    if (key === undefined) return false;
    this.givenUp.drop(key);
    onDisk(key);
    return true;
  }

  #open(clock: Clock): DesiredStore & Recorder {
    const { disk, store } = this;
    return disk === undefined ? store : twofold(disk.open(this.name, clock), store, (what) => this.onDiffer(what));
  }

  #boot(): MemoryKernel {
    const shapes = SHAPES[this.name] ?? SHAPES_MAX;
    const options = { slots: 64, shapes, monotonicMs: () => this.#world.clock.monotonicMs() };
    const kernel = new WatchedKernel(options, (op) => {
      this.onOp(op);
      if (op.op === 'write') this.rival.written(entryId(op.key));
    });
    kernel.onRefused = (op) => void (op.op === 'delete' && this.givenUp.drop(redirectKey(op.key))); // it stands on
    this.#boots += 1;
    kernel.blinded = this.#boots * 1_000; // other maps than before, which count from nothing
    wire(kernel);
    this.nextHops.booted();
    for (const why of ['no carrier', 'bypass', 'no program']) this.silence.shut(why, false);
    this.passedSinceMs = undefined;
    this.maps = {};
    return kernel;
  }
}

function guarded(life: Life, kernel: MemoryKernel): Kernel {
  const all = life.guard(kernel);
  return { pins: kernel.pins, entries: all, net: all, counts: all, words: all, clock: life.guard(kernel.clock) };
}
