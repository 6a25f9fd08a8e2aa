import { atStart } from '../../../../agent/follow/footing.ts';
import type { BootTime } from '../../../../agent/model/boot-time.ts';
import type { Followed } from '../../../../agent/model/followed.ts';
import type { Footing } from '../../../../agent/model/footing.ts';
import { admit } from '../../../../agent/reconcile/admission.ts';
import { Reconciler } from '../../../../agent/reconcile/reconciler.ts';
import type { Log } from '../../../../daemon/log.ts';
import { atOnce } from '../../../../daemon/parts.ts';
import type { Cursor } from '../../../../protocol/cursor.ts';
import { type Event, encodeEvent } from '../../../../protocol/event.ts';
import type { Change, Intent } from '../../../../protocol/intent.ts';
import type { Marks } from '../../../../protocol/marks.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import type { MemoryKernel, MemoryKernelOptions } from '../../../fakes/memory-kernel.ts';
import { MemorySight } from '../../../fakes/memory-sight.ts';
import { MemoryStore } from '../../../fakes/memory-store.ts';
import { MemoryTimes } from '../../../fakes/memory-times.ts';
import { digestOf, HOST } from '../follow/samples.ts';
import { intentOf, makeKernel } from './world.ts';

/** A reconciler on a store and a kernel in memory, and all that it told. */
export class Bench implements AsyncDisposable {
  readonly kernel: MemoryKernel;
  readonly store = new MemoryStore();
  readonly clock = new ManualClock();
  readonly times = new MemoryTimes();
  readonly sight = new MemorySight();
  readonly published: Event[] = [];
  readonly fatal: unknown[] = [];
  /** Facts and message of each line that is no debugging. */
  readonly lines: string[] = [];
  boot = 'b1';
  bootedMs = 0;
  changes = 0;
  grown = 0;
  trims = 0;
  #reconciler: Reconciler | undefined;
  #ending = new AbortController();
  /** Has the maps that are pinned now. */
  reopen = (): void => this.kernel.reopen();
  /** What becomes of the maps, look by look. */
  readonly followed: Followed[] = [];
  /** Resolves when the loop has ended, by itself or because it was told to. */
  running = Promise.resolve();

  constructor(options: MemoryKernelOptions = { slots: 8 }) {
    this.kernel = makeKernel({ monotonicMs: () => this.clock.monotonicMs(), ...options });
  }

  get bootTime(): BootTime {
    return { boot: this.boot, ms: this.clock.monotonicMs() - this.bootedMs };
  }

  get reconciler(): Reconciler {
    if (this.#reconciler === undefined) throw new Error('not started');
    return this.#reconciler;
  }

  /** As a process does that starts on this store and this kernel. */
  async start(footing?: Footing): Promise<Reconciler> {
    await this.end();
    const stored = await this.store.load(this.bootTime);
    const { kernel, store, clock, times, sight } = this;
    const reconciler = new Reconciler(
      {
        ...{ kernel, store, clock, times, sight, log: this.#log(), host: HOST, interfaces: [] },
        boot: { now: () => this.bootTime },
        reopen: async () => this.reopen(),
        follow: () => this.followed.shift() ?? 'same',
        outbox: {
          changed: () => {
            this.changes += 1;
          },
          event: (event) => {
            encodeEvent(event);
            this.published.push(event);
          },
        },
        heap: {
          grow: () => {
            this.grown += 1;
          },
          giveBack: () => {
            this.trims += 1;
          },
        },
      },
      { ...atOnce(admit({ kernel, clock }, stored)), seq: stored.seq },
      footing ?? atStart(stored, undefined),
    );
    this.#reconciler = reconciler;
    this.#ending = new AbortController();
    this.running = reconciler.run(this.#ending.signal).catch((error: unknown) => {
      this.fatal.push(error);
    });
    return reconciler;
  }

  #log(): Log {
    const line = (facts: object, message: string): void => {
      this.lines.push(`${message} ${JSON.stringify(facts, (_, it) => (typeof it === 'bigint' ? `${it}` : it))}`);
    };
    return { debug() {}, info: line, warn: line, error: line };
  }

  async end(): Promise<void> {
    this.#ending.abort();
    await this.running;
  }

  /** Stores changes and tells the reconciler, as intake does; does not wait for the pass. */
  async accept(
    rev: number,
    changes: readonly Change[],
    base: 'stored' | 'empty' = 'stored',
    marks?: Marks,
  ): Promise<void> {
    const next = new Map<string, Intent>(base === 'stored' ? this.store.set : []);
    for (const change of changes) {
      if (change.op === 'put') next.set(change.key, change);
      else next.delete(change.key);
    }
    const cursor: Cursor = { epoch: 'e1', rev };
    const candidate = { base, changes, cursor, digest: digestOf(next.values()), ...(marks && { marks }) };
    const beside = this.reconciler.judge(candidate);
    const acceptance = await this.store.accept(candidate, 0, beside);
    if (acceptance.outcome !== 'accepted') throw new Error('not accepted');
    this.reconciler.held(false);
    await this.reconciler.accepted(acceptance, { is: 'follows', at: cursor, digest: '' }, beside);
  }

  revs(): number[] {
    const { cursor, applied, verified } = this.reconciler.progress();
    return [cursor.rev, applied, verified];
  }

  /** What was told since last asked, in a line each. */
  told(): string[] {
    return this.published.splice(0).map(({ kind, key, code }) => `${kind} ${key?.split('> ')[1]} ${code ?? ''}`.trim());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

export const put = (n: number, rev: number, to: Intent['to'] = 'drop'): Change => ({
  op: 'put',
  ...intentOf(n, to, { rev }),
});
export const del = (n: number, rev: number): Change => ({ op: 'delete', rev, key: intentOf(n).key });
