import { CAN } from '../../agent/model/can.ts';
import type { Op } from '../../agent/model/op.ts';
import type { Acceptance, Candidate, DesiredStore, Kernel, Recorder } from '../../agent/ports.ts';
import { serve } from '../../agent/serve.ts';
import type { Clock } from '../../daemon/clock.ts';
import { AgentBus } from '../fakes/memory-bus.ts';
import type { MemoryKernel } from '../fakes/memory-kernel.ts';
import { MemorySight } from '../fakes/memory-sight.ts';
import { type KeptStore, MemoryStore } from '../fakes/memory-store.ts';
import { MemoryTimes } from '../fakes/memory-times.ts';
import { onDisk } from './disk.ts';
import type { Life } from './life.ts';
import { Mortal } from './mortal.ts';
import { Silence } from './silence.ts';
import type { SqliteDisk } from './sqlite-disk.ts';
import { twofold } from './twofold.ts';
import { WatchedKernel } from './watched-kernel.ts';
import type { World } from './world.ts';

/** A neighbour that answers, and an address that no route leads to. */
export const C = { address: '192.0.2.7', mac: '02:00:00:00:01:07' } as const;
export const NOWHERE = '192.0.2.8';

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
  /** Without a disk, its store; with one, what that one says, as far as the two agree. */
  store = new MemoryStore();
  readonly disk: SqliteDisk | undefined;
  /** By how much its wall clock is ahead of the controller's; negative: behind. */
  aheadMs = 0;
  labels: Readonly<Record<string, string>>;
  /** What its agent says that it can. */
  can = CAN;
  /** Every role that it ever had. */
  readonly roles = new Set<string | undefined>();
  /** Whether somebody else wrote to its maps since it booted. */
  tampered = false;
  /** Is shown every op before it is done. */
  onOp: (op: Op) => void = () => {};
  onStart: () => void = () => {};
  /** Is shown what its store was asked to take, and what it answered. */
  onAccept: (candidate: Candidate, acceptance: Acceptance) => void = () => {};
  /** Is told where the disk answers otherwise than the store in memory. */
  onDiffer: (what: string) => void = () => {};
  readonly #world: World;
  #boots = 0;

  constructor(world: World, name: string, labels: Readonly<Record<string, string>>, disk?: SqliteDisk) {
    super();
    this.disk = disk;
    this.#world = world;
    this.name = name;
    this.labels = labels;
    this.silence = new Silence(() => world.clock.monotonicMs());
    this.kernel = this.#boot();
  }

  start(): void {
    this.onStart();
    this.roles.add(this.labels.role);
    const { bus: server } = this.#world;
    let bus: AgentBus | undefined;
    const { life, signal } = this.begin(() => void bus?.close());
    const clock = life.guard(this.#clock());
    const log = life.guard(this.#world.log);
    const { name: host, can, labels } = this;
    const identity = { host, boot: clock.token(4), agent: '0.0.0', can, labels, interfaces: [] };
    const connect = () => {
      bus = new AgentBus(server, host);
      return life.guard(bus);
    };
    const kernel = this.kernel;
    kernel.opsToLive = Number.POSITIVE_INFINITY;
    const store = life.guard(onDisk(this.#open(clock), clock, (...it) => this.onAccept(...it)));
    const [times, sight] = [life.guard(this.times), life.guard(this.sight)];
    const parts = { identity, clock, log, connect, store, times, sight };
    this.run(serve({ ...parts, kernel: guarded(life, kernel), reopen: async () => kernel.reopen() }, signal));
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
    this.silence.unknown();
    this.store = Object.assign(new MemoryStore(), kept && { ...kept.store, rows: new Map(kept.store.rows) });
    this.disk?.replace(kept?.image);
  }

  /** The row of an intent is damaged; answers false where there is none. */
  flipRow(which: number): boolean {
    this.silence.unknown();
    const key = this.store.flip(which);
    if (key !== undefined) this.disk?.flip(key);
    return key !== undefined;
  }

  /** The host starts anew, and its kernel with it. */
  reboot(): void {
    this.kill();
    this.bury();
    this.times = new MemoryTimes();
    this.tampered = false;
    this.kernel = this.#boot();
  }

  /** A packet meets an entry; answers false where none counts it. */
  hit(which: number): boolean {
    const { kernel } = this;
    const entries = [...kernel.observe().entries].filter(([id]) => kernel.acts(id));
    const [id, entry] = entries[which % Math.max(1, entries.length)] ?? [];
    if (id === undefined || entry === undefined || kernel.bypassed) return false;
    const { packets, bytes } = kernel.counters([entry.value.slot])[0] ?? { packets: 0n, bytes: 0n };
    kernel.count(entry.value.slot, { packets: packets + 1n, bytes: bytes + 64n, seen: kernel.clock.now().jiffies });
    this.silence.came(id);
    return true;
  }

  bypass(on: boolean): void {
    const { kernel } = this;
    if (on && !kernel.bypassed) kernel.blinded += 1;
    if (on || kernel.bypassed) this.silence.blind();
    kernel.bypassed = on;
  }

  #open(clock: Clock): DesiredStore & Recorder {
    const { disk, store } = this;
    return disk === undefined ? store : twofold(disk.open(this.name, clock), store, (what) => this.onDiffer(what));
  }

  #boot(): MemoryKernel {
    const options = { slots: 64, monotonicMs: () => this.#world.clock.monotonicMs() };
    const kernel = new WatchedKernel(options, (op) => this.onOp(op));
    this.#boots += 1;
    kernel.blinded = this.#boots * 1_000; // other maps than before, which count from nothing
    kernel.netdev('eth0', { ifindex: 2, attached: 'native', zone: 1 });
    kernel.netdev('eth1', { ifindex: 3 });
    kernel.route(C.address, 'eth1');
    kernel.neighbour('eth1', C.address, C.mac);
    return kernel;
  }

  #clock(): Clock {
    const { clock } = this.#world;
    return {
      nowMs: () => clock.nowMs() + this.aheadMs,
      monotonicMs: () => clock.monotonicMs(),
      delay: clock.delay,
      turn: () => clock.turn(),
      random: () => clock.random(),
      token: (bytes) => clock.token(bytes),
    };
  }
}

function guarded(life: Life, kernel: MemoryKernel): Kernel {
  const all = life.guard(kernel);
  return { pins: kernel.pins, entries: all, net: all, counts: all, words: all, clock: life.guard(kernel.clock) };
}
