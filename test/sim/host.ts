import { CAN } from '../../agent/model/can.ts';
import type { Op } from '../../agent/model/op.ts';
import type { Kernel } from '../../agent/ports.ts';
import { serve } from '../../agent/serve.ts';
import type { Clock } from '../../daemon/clock.ts';
import { AgentBus } from '../fakes/memory-bus.ts';
import { Crash, type MemoryKernel } from '../fakes/memory-kernel.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { MemoryTimes } from '../fakes/memory-times.ts';
import { Life } from './life.ts';
import { Process } from './process.ts';
import { WatchedKernel } from './watched-kernel.ts';
import type { World } from './world.ts';

/** A neighbour that answers, and an address that no route leads to. */
export const C = { address: '192.0.2.7', mac: '02:00:00:00:01:07' } as const;
export const NOWHERE = '192.0.2.8';

/** A host: its kernel and its disk outlive its agent. */
export class Host {
  readonly name: string;
  kernel: MemoryKernel;
  times = new MemoryTimes();
  store = new MemoryStore();
  /** By how much its wall clock is ahead of the controller's; negative: behind. */
  aheadMs = 0;
  labels: Readonly<Record<string, string>>;
  /** Is shown every op before it is done. */
  onOp: (op: Op) => void = () => {};
  readonly #world: World;
  #life = new Life();
  #process: Process | undefined;
  #bus: AgentBus | undefined;

  constructor(world: World, name: string, labels: Readonly<Record<string, string>>) {
    this.#world = world;
    this.name = name;
    this.labels = labels;
    this.kernel = this.#boot();
  }

  /** Whether its agent runs. */
  get runs(): boolean {
    return this.#process !== undefined && !this.#life.ended;
  }

  start(): void {
    const { bus: server } = this.#world;
    const life = new Life();
    const process = new Process();
    const clock = life.guard(this.#clock());
    const log = life.guard(this.#world.log);
    const { name: host, labels } = this;
    const identity = { host, boot: clock.token(4), agent: '0.0.0', can: CAN, labels, interfaces: [] };
    const connect = () => {
      this.#bus = new AgentBus(server, host);
      return life.guard(this.#bus);
    };
    const kernel = this.kernel;
    kernel.opsToLive = Number.POSITIVE_INFINITY;
    const parts = { identity, clock, log, connect, store: life.guard(this.store), times: life.guard(this.times) };
    process.run(
      serve({ ...parts, kernel: guarded(life, kernel), reopen: async () => kernel.reopen() }, process.signal),
    );
    this.#life = life;
    this.#process = process;
  }

  async stop(): Promise<void> {
    const process = this.#life.ended ? undefined : this.#process;
    this.#process = undefined;
    if (process !== undefined) await this.#life.orEnd(process.end()).catch(ignoreCrash);
  }

  /** The agent dies, now or where it has waited so often from now on. */
  kill(waits = 0): void {
    if (waits === 0) this.#life.end();
    else this.#life.endAfter(waits);
  }

  /** It is not to die after all. */
  spare(): void {
    this.#life.endAfter(Number.POSITIVE_INFINITY);
    this.kernel.opsToLive = Number.POSITIVE_INFINITY;
  }

  /** Another disk: an empty one, or one as it was. */
  loseStore(kept: Pick<MemoryStore, 'stored' | 'set'> | undefined): void {
    this.store = Object.assign(new MemoryStore(), kept);
  }

  /** What a dead agent leaves: its connection ends. Answers whether it is dead. */
  bury(): boolean {
    if (this.#process === undefined || !this.#life.ended) return this.#process === undefined;
    this.#process = undefined;
    void this.#bus?.close();
    this.#bus = undefined;
    return true;
  }

  /** The host starts anew, and its kernel with it. */
  reboot(): void {
    this.kill();
    this.bury();
    this.times = new MemoryTimes();
    this.kernel = this.#boot();
  }

  #boot(): MemoryKernel {
    const options = { slots: 64, monotonicMs: () => this.#world.clock.monotonicMs() };
    const kernel = new WatchedKernel(options, (op) => this.onOp(op));
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

/** It died while it was ending. */
function ignoreCrash(error: unknown): void {
  if (!(error instanceof Crash)) throw error;
}

function guarded(life: Life, kernel: MemoryKernel): Kernel {
  const all = life.guard(kernel);
  return { entries: all, net: all, counts: all, words: all, clock: life.guard(kernel.clock) };
}
