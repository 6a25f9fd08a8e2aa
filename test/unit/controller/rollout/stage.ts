import type { Counted } from '../../../../controller/model/counted.ts';
import { Declined } from '../../../../controller/model/declined.ts';
import { type Ports, portsOver } from '../../../../controller/open.ts';
import type { Counting, Rollouts } from '../../../../controller/ports.ts';
import { PACE, type Pace } from '../../../../controller/rollout/pace.ts';
import { intentBody } from '../../../../protocol/intent.ts';
import type { RolloutStartReply, RolloutStartRequest } from '../../../../protocol/rollout-start.ts';
import type { RolloutStatusReply } from '../../../../protocol/rollout-status.ts';
import type { Status } from '../../../../protocol/status.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { MemoryDatabase } from '../../../fakes/memory-database.ts';
import { ALLOWED, AMPLE_BYTES, Replica, status } from '../fleet.ts';

/** A host that follows its log as an agent does, and says so. */
export class MadeUpHost {
  readonly name: string;
  readonly replica: Replica;
  /** What it says otherwise than one that is well. */
  says: Partial<Status> = {};
  silent = false;
  /** It takes nothing. */
  deaf = false;
  /** Packets that meet what stands there. */
  hits = 1000;

  constructor(name: string) {
    this.name = name;
    this.replica = new Replica(name);
  }

  /** What it holds, by name, without what belongs to the publication. */
  get holds(): Readonly<Record<string, unknown>> {
    const puts = [...this.replica.intents.values()].map((put) => {
      const { confirm: _, ...body } = JSON.parse(intentBody(put)) as Record<string, unknown>;
      return [put.name, body.to] as const;
    });
    return Object.fromEntries(puts.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

const WELL: Partial<Status> = {
  ...{ exceptions: [], exceptionsTotal: 0, interfaces: [], confirmed: 0 },
  ...{ idle: [], passed: [], passedTotal: 0, undelivered: [], unconfirmed: [], unconfirmedTotal: 0 },
};

/** A controller on a database in memory, hosts that it is told of, and one clock for all. */
export class Stage implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly hosts: readonly MadeUpHost[];
  readonly ports: Ports;
  readonly rollouts: Rollouts;
  readonly database: MemoryDatabase;
  /** Hosts answer what packets do there. */
  counts = true;
  /** What packets do of this rollout cannot be told: to ask is a fault. */
  faulty: string | undefined;
  readonly #pace: Pace;

  private constructor(
    parts: { readonly ports: Ports; readonly database: MemoryDatabase },
    names: readonly string[],
    clock: ManualClock,
    pace: Pace,
  ) {
    this.ports = parts.ports;
    this.database = parts.database;
    this.clock = clock;
    this.hosts = names.map((name) => new MadeUpHost(name));
    this.#pace = pace;
    this.rollouts = parts.ports.rollouts(this.counting, pace);
  }

  static async open(hosts: number, pace: Pace = PACE): Promise<Stage> {
    const clock = new ManualClock();
    const database = await MemoryDatabase.make(clock);
    const ports = await openOn(database, clock);
    const names = Array.from({ length: hosts }, (_, at) => `edge-${at + 1}`);
    const stage = new Stage({ ports, database }, names, clock, pace);
    await stage.speak();
    return stage;
  }

  /** Another controller on the same database. */
  async another(): Promise<{ readonly ports: Ports; readonly rollouts: Rollouts }> {
    const ports = await openOn(this.database, this.clock);
    return { ports, rollouts: ports.rollouts(this.counting, this.#pace) };
  }

  host(name: string): MadeUpHost {
    const found = this.hosts.find((host) => host.name === name);
    if (found === undefined) throw new Error(`there is no host ${name}`);
    return found;
  }

  get counting(): Counting {
    const of = (id: string, name: string): Counted | undefined => {
      if (id === this.faulty) throw new TypeError('a fault');
      const host = this.hosts.find((one) => one.name === name);
      if (!this.counts || host === undefined || host.silent) return undefined;
      return { answeredMsAgo: 0, hits: host.hits, undone: 0, windows: null };
    };
    return { watch: () => {}, forget: () => {}, rollouts: [], of };
  }

  /** Every host takes what is new, and says how far it is. */
  async speak(): Promise<void> {
    const reports = [];
    for (const host of this.hosts) {
      if (host.silent) continue;
      if (!host.deaf) await host.replica.sync(this.ports.logs, AMPLE_BYTES).catch(unlessUnheard);
      const { epoch, rev } = host.replica.cursor;
      const far = { epoch, stored: rev, applied: rev, verified: rev, digest: host.replica.digest };
      const counts = { desired: 0, installed: 0, idle: 0, expired: 0, blocked: 0, denied: 0, failed: 0 };
      const said = status(host.name, { ...WELL, ...far, counts, labels: { role: 'edge' }, ...host.says });
      const { problem: _, problems: __, brake: ___, unarmed: ____, ...rest } = said;
      reports.push({ status: { ...rest, ...host.says } as Status, seenAtMs: this.clock.nowMs() });
    }
    await this.ports.roster.report(reports);
  }

  /** Steps as long as there are some. */
  async settle(): Promise<void> {
    while (await this.rollouts.advance());
  }

  /** Lets time pass; hosts speak every 3 s. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += this.#pace.tickMs) {
      await this.clock.pass(this.#pace.tickMs);
      if (this.clock.monotonicMs() % 3000 === 0) await this.speak();
      await this.settle();
    }
  }

  apply(...specs: readonly object[]): Promise<unknown> {
    const upload = this.clock.token(8);
    return this.ports.desk.apply({ v: 1, upload, part: 0, parts: 1, specs, ...ALLOWED });
  }

  start(id: string, specs: readonly object[], more: Partial<RolloutStartRequest> = {}): Promise<RolloutStartReply> {
    return this.rollouts.start({ v: 1, upload: id, part: 0, parts: 1, specs, ...ALLOWED, ...more });
  }

  status(id: string): Promise<RolloutStatusReply> {
    return this.rollouts.status({ v: 1, id }, AMPLE_BYTES);
  }

  /** Lets time pass until the rollout is in a state, and answers its status then. */
  async until(id: string, state: string, limitMs = 3_600_000): Promise<RolloutStatusReply> {
    for (let passed = 0; passed < limitMs; passed += this.#pace.tickMs) {
      const now = await this.status(id);
      if (now.rollout.state === state) return now;
      await this.pass(this.#pace.tickMs);
    }
    throw new Error(`${id} is not ${state}: ${JSON.stringify((await this.status(id)).rollout)}`);
  }

  /** What every host holds. */
  get holds(): Readonly<Record<string, unknown>> {
    return Object.fromEntries(this.hosts.map(({ name, holds }) => [name, holds]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ports[Symbol.asyncDispose]();
  }
}

/** Who was never heard has to speak first. */
function unlessUnheard(error: unknown): void {
  if (!(error instanceof Declined) || error.code !== 'NOT_READY') throw error;
}

function openOn(database: MemoryDatabase, clock: ManualClock): Promise<Ports> {
  return portsOver(database.open(), database.tables, clock, (error) => {
    throw error;
  });
}
