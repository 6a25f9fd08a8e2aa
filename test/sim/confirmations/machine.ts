import type { BootTime } from '../../../agent/model/boot-time.ts';
import type { Op } from '../../../agent/model/op.ts';
import type { DesiredStore, Recorder } from '../../../agent/ports.ts';
import type { Parts } from '../../../agent/serve.ts';
import { AgentBus, type MemoryBus } from '../../fakes/memory-bus.ts';
import type { MemoryKernel } from '../../fakes/memory-kernel.ts';
import { MemorySight } from '../../fakes/memory-sight.ts';
import { MemoryStore } from '../../fakes/memory-store.ts';
import { MemoryTimes } from '../../fakes/memory-times.ts';
import { NEIGHBOURS, redirectKey, wire } from '../addresses.ts';
import { onDisk } from '../disk.ts';
import { Mortal } from '../mortal.ts';
import { aheadOf, type SeededClock } from '../seeded-clock.ts';
import { WatchedKernel } from '../watched-kernel.ts';
import { Truth } from './truth.ts';

export const HOST = 'a';

/** Serves until the signal aborts. */
type Serve = (parts: Omit<Parts, 'log'>, signal: AbortSignal) => Promise<void>;

/** A host whose agent comes and goes, and all that is seen of it. */
export class Machine extends Mortal {
  kernel: MemoryKernel;
  aheadMs = 0;
  readonly #clock: SeededClock;
  readonly #bus: MemoryBus;
  readonly #serve: Serve;
  readonly #can: readonly string[];
  readonly #store = new MemoryStore();
  readonly #truth: Truth;
  readonly #sight = new MemorySight();
  #times = new MemoryTimes();
  #boots = 0;
  #bootedMs = 0;
  #fresh = true;
  #refusals = 0;

  constructor(clock: SeededClock, bus: MemoryBus, how: Serve, can: readonly string[]) {
    super();
    this.#clock = clock;
    this.#bus = bus;
    this.#serve = how;
    this.#can = can;
    this.#truth = new Truth((key, rev) => {
      const row = this.#store.awaited.get(key);
      return row?.rev === rev || row?.replaced?.some((it) => it.rev === rev) === true;
    });
    this.kernel = this.#boot();
  }

  get wrong(): readonly string[] {
    return this.#truth.wrong;
  }

  get #now(): BootTime {
    return { boot: `b${this.#boots}`, ms: Math.floor(this.#clock.monotonicMs() - this.#bootedMs) };
  }

  start(): void {
    if (this.runs || this.#clock.monotonicMs() < this.#bootedMs) return;
    this.bury();
    let bus: AgentBus | undefined;
    const { life, signal } = this.begin(() => void bus?.close());
    const clock = life.guard(aheadOf(this.#clock, () => this.aheadMs));
    const connect = () => {
      bus = new AgentBus(this.#bus, HOST);
      return life.guard(bus);
    };
    const { kernel } = this;
    const all = life.guard(kernel);
    const ports = {
      pins: kernel.pins,
      entries: all,
      net: all,
      counts: all,
      words: all,
      clock: life.guard(kernel.clock),
    };
    const store = life.guard(onDisk(this.#watched(this.#store), clock, this.#owner));
    const boot = life.guard({ now: () => this.#now });
    const identity = { host: HOST, boot: clock.token(4), agent: '0.0.0', can: this.#can, labels: {}, interfaces: [] };
    const [times, sight] = [life.guard(this.#times), life.guard(this.#sight)];
    kernel.openAnew();
    const parts = { identity, clock, store, times, sight, boot, connect, kernel: ports };
    this.run(this.#serve({ ...parts, reopen: async () => kernel.openAnew() }, signal));
  }

  /** The power is off for so long. */
  reboot(offMs: number): void {
    this.kill();
    this.bury();
    this.#times = new MemoryTimes();
    this.kernel = this.#boot();
    this.#bootedMs = this.#clock.monotonicMs() + offMs;
  }

  neighbour(is: 'resolved' | 'failed'): void {
    const { 4: address, mac } = NEIGHBOURS.c;
    this.kernel.neighbour('eth1', address, is === 'resolved' ? mac : is);
    this.kernel.notify();
  }

  program(attached: boolean): void {
    this.kernel.netdev('eth0', { attached: attached ? 'native' : 'none' });
    this.kernel.notify();
  }

  refuse(times: number): void {
    this.#refusals = times;
  }

  calm(): void {
    this.spare();
    this.#refusals = 0;
    this.#bootedMs = Math.min(this.#bootedMs, this.#clock.monotonicMs());
    this.neighbour('resolved');
    this.program(true);
  }

  end(): void {
    this.kill();
    this.bury();
  }

  /** Looks at what packets meet now. */
  look(): void {
    const standing = new Map([...this.kernel.peek().entries].map(([id, entry]) => [id, entry.value]));
    for (const [key, { rev }] of standing) {
      if (this.kernel.acts(key)) this.#truth.checkStanding(key, rev, this.#now);
    }
    for (const { key, rev, is } of this.#store.awaited.values()) {
      if (is === 'reverted') this.#truth.checkReverted(key, rev);
    }
  }

  /** What stands once every time is over. */
  checkQuiet(): void {
    const { wrong } = this.#truth;
    if (!this.runs) return void wrong.push('the agent does not run');
    const stands = new Map([...this.kernel.peek().entries].map(([key, { value }]) => [key, value]));
    for (const key of new Set([...this.#truth.keys, ...stands.keys()])) {
      const row = this.#store.awaited.get(key);
      if (row !== undefined && row.is !== 'reverted') wrong.push(`${key} of rev ${row.rev} still is ${row.is}`);
      const expected = this.#truth.expected(key, row !== undefined);
      const { rev, until = 0n } = stands.get(key) ?? {};
      if (rev !== expected) wrong.push(`${key}: rev ${rev} stands, and not ${expected}`);
      if (until !== 0n) wrong.push(`${key}: what stands for good has an end`);
    }
  }

  get #owner() {
    return {
      takes: () => {
        if (this.#refusals === 0) return true;
        this.#refusals -= 1;
        return false;
      },
      onAccept: (...[candidate, acceptance]: Parameters<Parameters<typeof onDisk>[2]['onAccept']>) =>
        this.#truth.accepted(candidate, acceptance, this.#store.set, this.#now),
      onSave: () => {},
    };
  }

  /** Tells what is stored, and when. */
  #watched(store: DesiredStore & Recorder): DesiredStore & Recorder {
    return {
      accept: (...args) => store.accept(...args),
      remember: (...args) => store.remember(...args),
      saveEntries: (...args) => store.saveEntries(...args),
      record: (events) => store.record(events),
      history: (key) => store.history(key),
      recent: (...args) => store.recent(...args),
      requireSame: () => store.requireSame(),
      close: () => store.close(),
      load: async (at) => {
        const stored = await store.load(at);
        if (this.#fresh && at !== undefined) this.#truth.booted(at);
        this.#fresh = false;
        return stored;
      },
      confirm: (epoch, rev, now) => {
        let at: BootTime | undefined;
        const stored = store.confirm(epoch, rev, () => {
          at = now();
          return at;
        });
        return stored.then((news) => {
          if (news?.confirmed !== undefined) this.#truth.confirmed(news.confirmed, at ?? this.#now);
          return news;
        });
      },
      move: async (kind, of, at) => {
        const moved = await store.move(kind, of, at);
        for (const row of moved) this.#truth.moved(kind, row, at);
        this.#truth.noted(at);
        return moved;
      },
      noteTime: async (at) => {
        await store.noteTime(at);
        this.#truth.noted(at);
      },
    };
  }

  #boot(): MemoryKernel {
    const monotonicMs = (): number => this.#clock.monotonicMs();
    const kernel = new WatchedKernel({ slots: 16, monotonicMs }, () => {});
    const refused = new Set<Op>();
    kernel.onRefused = (op) => refused.add(op);
    const apply = kernel.apply.bind(kernel);
    kernel.apply = (ops) => {
      const results = apply(ops);
      for (const op of ops) this.#did(op, refused);
      return results;
    };
    this.#boots += 1;
    this.#fresh = true;
    kernel.blinded = this.#boots * 1_000;
    wire(kernel);
    return kernel;
  }

  #did(op: Op, refused: ReadonlySet<Op>): void {
    if (refused.has(op) || (op.op !== 'write' && op.op !== 'delete')) return;
    this.#truth.done(redirectKey(op.key), op.op === 'write' ? op.value.rev : undefined, this.#now);
  }
}
