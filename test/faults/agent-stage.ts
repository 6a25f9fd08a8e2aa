import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CAN } from '../../agent/model/can.ts';
import { StoreError } from '../../agent/model/store-error.ts';
import { serve } from '../../agent/serve.ts';
import { EVENTS_NAME, SqliteStore } from '../../agent/store/sqlite-store.ts';
import { DATABASE_NAME } from '../../agent/store/tables.ts';
import { Refusals } from '../../controller/serve/refusals.ts';
import { SyncService } from '../../controller/serve/sync-service.ts';
import { agentMigrations } from '../../migrations/agent/index.ts';
import { keyOf } from '../../protocol/key.ts';
import type { Match } from '../../protocol/match.ts';
import { parseStatus } from '../../protocol/status.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { AgentBus, ControllerBus, MemoryBus } from '../fakes/memory-bus.ts';
import { MemoryController, type Wish } from '../fakes/memory-controller.ts';
import { MemoryKernel } from '../fakes/memory-kernel.ts';
import { MemorySight } from '../fakes/memory-sight.ts';
import { MemoryTimes } from '../fakes/memory-times.ts';
import type { Damage } from './campaign.ts';
import type { Outcome } from './controller-stage.ts';

const HOST = 'edge-1';
const REDIRECTS = 40;
/** This one is changed after each start, so that all that an agent does is done on the damaged store. */
const CHANGED = REDIRECTS;
/** An agent has so long to settle; it asks its controller at once and every few seconds. */
const SETTLE_MS = 20_000;
/** Within this it asks again by itself. */
const SYNC_MS = 90_000;
/** A unit starts an agent again that ended. */
const STARTS = 3;
const NAMES = [DATABASE_NAME, EVENTS_NAME].flatMap((name) => [name, `${name}-wal`]);
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** An agent's store whose redirects stand in a kernel, to be copied, damaged and started on. */
export class AgentStage {
  readonly #folder: string;
  readonly #clock = new ManualClock();
  readonly #bus = new MemoryBus(this.#clock, makeSubjects());
  readonly #controller = new MemoryController(HOST, this.#clock);
  #kernel = makeKernel(this.#clock);
  readonly #files = new Map<string, Buffer>();
  #problems = '';
  #runs = 0;

  private constructor(folder: string) {
    this.#folder = folder;
    const [{ subjects }, bus] = [this.#bus, new ControllerBus(this.#bus)];
    const logs = { page: async (request: Parameters<MemoryController['page']>[0]) => this.#controller.page(request) };
    const refusals = new Refusals(SILENT, this.#clock);
    const service = new SyncService({ logs, bus, subjects, refusals, clock: this.#clock, log: SILENT });
    bus.subscribe(subjects.syncAll, (message) => service.receive(message), 'controller');
    this.#bus.onMessage = (subject, data) => {
      if (subject === subjects.status(HOST)) this.#problems = parseStatus(data).problems?.[0]?.code ?? '';
    };
  }

  /** `killed` leaves the store's log beside it, as a process that was killed does. */
  static async make(folder: string, killed: boolean): Promise<AgentStage> {
    const stage = new AgentStage(folder);
    stage.#controller.write(Array.from({ length: REDIRECTS + 1 }, (_, n) => put(n)));
    const place = join(folder, 'template');
    mkdirSync(place, { recursive: true });
    await stage.#serve(place);
    stage.#controller.write([put(3, 'pass'), (rev) => ({ op: 'delete', rev, key: keyOf(matchOf(4)) })]);
    await stage.#serve(place, () => killed && stage.#keep(place));
    if (!killed) stage.#keep(place);
    rmSync(place, { recursive: true });
    return stage;
  }

  /** Damages a copy, starts an agent on it, lets it settle, and looks at the kernel, and at what was asked of it meanwhile. */
  async run(damage: Damage): Promise<Outcome> {
    this.#runs += 1;
    const place = join(this.#folder, `run-${this.#runs}`);
    mkdirSync(place, { recursive: true, mode: 0o700 });
    for (const [name, data] of this.#files) writeFileSync(join(place, name), data, { mode: 0o600 });
    const [before, mark] = [standing(this.#kernel), this.#kernel.mark()];
    this.#kernel.asked.length = 0;
    damage(NAMES.map((name) => join(place, name)));
    const to = this.#runs % 2 === 0 ? { nexthop: '192.0.2.7' } : ('pass' as const);
    const ended = await this.#serve(place, async () => {
      this.#controller.write([put(CHANGED, to)]);
      await this.#clock.pass(SYNC_MS);
    });
    const outcome = this.#judge(before, ended);
    if (mark !== undefined) this.#kernel.setMark(mark);
    rmSync(place, { recursive: true });
    return outcome;
  }

  #judge(before: ReadonlyMap<string, string>, ended: Error | undefined): Outcome {
    const after = standing(this.#kernel);
    const removed = this.#kernel.asked.flatMap((op) => (op.op === 'delete' ? [op.id] : []));
    const wronged = [...before].flatMap(([id, value]) => (after.get(id) === value ? [] : [`${HOST} ${id}`]));
    const held = this.#problems === '' ? [] : [`${HOST} ${this.#problems}`];
    const newest = this.#kernel.mark()?.rev === this.#controller.head.rev;
    const converged = this.#problems === '' && after.size === before.size && newest;
    return {
      wronged: [...new Set([...wronged, ...removed.filter((id) => before.has(id)).map((id) => `${HOST} ${id}`)])],
      held,
      lost: ended === undefined && held.length === 0 && !converged ? [`${HOST} ?`] : [],
      refused: ended?.message,
      mute: ended !== undefined && !(ended instanceof StoreError && ended.message.includes('; ')),
      stuck: false,
    };
  }

  /** As a unit does: what ends is started again. Answers why it is not up. */
  async #serve(place: string, atEnd: () => unknown = () => {}): Promise<Error | undefined> {
    let ended: Error | undefined;
    for (let start = 0; start < STARTS; start += 1) {
      ended = await this.#serveOnce(place, atEnd);
      if (ended === undefined) return undefined;
    }
    return ended;
  }

  async #serveOnce(place: string, atEnd: () => unknown): Promise<Error | undefined> {
    const end = new AbortController();
    const clock = this.#clock;
    this.#problems = '?';
    try {
      await using held = new AsyncDisposableStack();
      const migrations = agentMigrations;
      const opening = SqliteStore.open({ directory: place, host: HOST, migrations, clock });
      const store = held.adopt(await opening, (it) => it.close());
      const identity = { host: HOST, boot: clock.token(4), agent: '0.0.0', can: CAN, labels: {}, interfaces: [] };
      const connect = () => new AgentBus(this.#bus, HOST);
      const [times, sight] = [new MemoryTimes(), new MemorySight()];
      const kernel = this.#kernel;
      let failed: Error | undefined;
      const boot = { now: () => ({ boot: 'b1', ms: Math.floor(clock.monotonicMs()) }) };
      const parts = { identity, store, kernel, times, sight, boot, clock, log: SILENT, connect };
      const serving = serve({ ...parts, reopen: async () => kernel.reopen() }, end.signal);
      const watched = serving.catch((error: Error) => {
        failed = error;
      });
      await clock.pass(SETTLE_MS);
      if (failed === undefined) await atEnd();
      end.abort();
      await clock.pass(1);
      await watched;
      return failed;
    } catch (error) {
      return error as Error;
    }
  }

  #keep(place: string): void {
    for (const name of NAMES.filter((it) => existsSync(join(place, it)))) {
      this.#files.set(name, readFileSync(join(place, name)));
    }
  }
}

function makeKernel(clock: ManualClock): MemoryKernel {
  const kernel = new MemoryKernel({ slots: 128, monotonicMs: () => clock.monotonicMs() });
  kernel.netdev('eth0', { ifindex: 2, attached: 'native', zone: 1 });
  kernel.netdev('eth1', { ifindex: 3 });
  kernel.route('192.0.2.7', 'eth1');
  kernel.neighbour('eth1', '192.0.2.7', '02:00:00:00:01:07');
  return kernel;
}

function matchOf(n: number): Match {
  return { src: '0.0.0.0/0', dst: `203.0.113.${n}/32`, proto: 'udp', dport: 443 };
}

function put(n: number, to: 'pass' | { readonly nexthop: string } = { nexthop: '192.0.2.7' }): Wish {
  const match = matchOf(n);
  return (rev) => ({ op: 'put', rev, key: keyOf(match), name: `r${n}`, match, to });
}

/** What a packet meets at each key. */
function standing(kernel: MemoryKernel): ReadonlyMap<string, string> {
  const entries = [...kernel.peek().entries];
  return new Map(
    entries.map(([id, { key, value }]) => {
      const { action, ifindex, dmac, smac, until } = value;
      const changing = JSON.stringify(key).includes(`203.0.113.${CHANGED}`);
      return [id, changing ? 'changing' : `${action} ${ifindex} ${dmac} ${smac} ${until}`];
    }),
  );
}
