import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Footing } from '../../agent/model/footing.ts';
import { DATABASE_NAME } from '../../agent/store/tables.ts';
import type { HostItem, HostsReply } from '../../protocol/listings.ts';
import type { Status } from '../../protocol/status.ts';
import { backUp, remove, restore } from './backup.ts';
import { callsIn, MapWatch, type Watched } from './map-watch.ts';
import { CONVERGE_MS, Operator } from './operator.ts';
import { type Running, until } from './process.ts';
import { NOBODY, type Testbed } from './testbed.ts';
import type { Asker, Echo } from './traffic.ts';

/** Rounds of the watcher, and questions of A, after which it is clear that all went on. */
const CLEAR = { rounds: 3, questions: 100 } as const;
const LOOK_AGAIN_MS = 200;

interface Traffic {
  readonly b: Echo;
  readonly asker: Asker;
}

/**
 * A host that loses its history, or whose controller does, and what shows that nothing was missing there for an instant: A
 * asks on and on, a watcher looks through the map, and every call of bpf(2) is kept that its agents make from then on.
 */
export class Witness {
  readonly bed: Testbed;
  readonly #t: ExecutionContext;
  readonly #operator: Operator;
  readonly #traffic: Traffic;
  readonly #watch: MapWatch;
  readonly #traces: string[] = [];
  #agent: Running;
  /** What B had answered when C began to answer alone. */
  #atB = 0;
  #sent = 0;
  /** What its agents had deleted when it was last said what stands. */
  #deleted = 0;

  private constructor(t: ExecutionContext, bed: Testbed, agent: Running, traffic: Traffic, watch: MapWatch) {
    this.bed = bed;
    this.#t = t;
    this.#operator = new Operator(bed);
    this.#agent = agent;
    this.#traffic = traffic;
    this.#watch = watch;
  }

  /** Begins where A asks steadily and all of it goes to C; `agent` is the one that runs, and of which no call is kept. */
  static async begin(t: ExecutionContext, bed: Testbed, agent: Running, traffic: Traffic): Promise<Witness> {
    const witness = new Witness(t, bed, agent, traffic, await MapWatch.start(bed));
    await until('C answers alone', CONVERGE_MS, async () => {
      const before = (await traffic.b.counted()).datagrams;
      await witness.#goesOn('C answers');
      witness.#atB = (await traffic.b.counted()).datagrams;
      return witness.#atB === before;
    });
    return witness;
  }

  get agent(): Running {
    return this.#agent;
  }

  /** Starts an agent, and answers how the set that it found stands. */
  async startAgent(...extra: readonly string[]): Promise<Footing['is']> {
    await this.spawnAgent(...extra);
    const started = () => this.#agent.lines.find((line) => line.includes('"agent started"'));
    const line = await this.#agent.until('starts', CONVERGE_MS, started);
    return (JSON.parse(line) as { readonly is: Footing['is'] }).is;
  }

  /** The same of an agent that may end. */
  async spawnAgent(...extra: readonly string[]): Promise<void> {
    const trace = join(this.bed.folder, `bpf-calls-${this.#traces.length}`);
    this.#agent = await this.bed.startTracedAgent(trace, ...extra);
    this.#traces.push(trace);
  }

  /** The agent's database; only while no agent runs may it be replaced. */
  get store(): string {
    return join(this.bed.state, DATABASE_NAME);
  }

  async loseStore(): Promise<void> {
    await remove(this.store);
  }

  async keepStore(copy: string): Promise<void> {
    await backUp(this.store, copy);
  }

  async restoreStore(copy: string): Promise<void> {
    await restore(copy, this.store);
    await chown(this.store, NOBODY, NOBODY);
  }

  /** What stands now, so many entries, is what has to from now on. */
  async expect(entries: number): Promise<void> {
    this.#deleted = (await this.#calls()).deletes;
    this.#t.is(await this.#watch.expect(), entries);
  }

  /** How often its agents deleted from a map since then. */
  async deleted(): Promise<number> {
    return (await this.#calls()).deletes - this.#deleted;
  }

  async #calls(): Promise<{ readonly calls: number; readonly deletes: number }> {
    const sum = { calls: 0, deletes: 0 };
    for (const trace of this.#traces) {
      const { calls, deletes } = await callsIn(trace);
      sum.calls += calls;
      sum.deletes += deletes;
    }
    return sum;
  }

  /** What the watcher saw since then. */
  async watched(): Promise<Watched> {
    return await this.#watch.report();
  }

  /** What the controller knows of the host. */
  async item(): Promise<HostItem | undefined> {
    const { items } = (await this.bed.ask('hosts')) as HostsReply;
    return items.find(({ host }) => host === this.bed.host);
  }

  /** Waits until the controller knows the host to be so. */
  async listed(as: string, fits: (item: HostItem) => boolean | Promise<boolean>): Promise<HostItem> {
    let last: HostItem | undefined;
    const look = async () => {
      if (this.#agent.status !== undefined)
        throw new Error(`the agent ended: ${this.#agent.lines.slice(-5).join(' ')}`);
      last = await this.item();
      return last !== undefined && (await fits(last)) && last;
    };
    return await until(as, CONVERGE_MS, look, LOOK_AGAIN_MS).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; last it was ${JSON.stringify(last)}`);
    });
  }

  /** Waits until its agent says that the set is held or not proven, for these reasons, and the controller has heard it. */
  async isHeld(as: string, ...codes: readonly string[]): Promise<HostItem> {
    return await this.listed(as, async ({ problem }) => {
      const { problems = [] } = (await this.#operator.status()) ?? {};
      return problem === problems[0]?.code && problems.map(({ code }) => code).join() === codes.join();
    });
  }

  /** Waits until its agent and the controller say that it has all that is for it, so many redirects, without a problem. */
  async converges(as: string, redirects: number): Promise<void> {
    const whole = ({ stored, applied, verified }: Pick<Status, 'stored' | 'applied' | 'verified'>) =>
      applied === stored && verified === stored;
    await this.listed(`${as}: it converges`, async (item) => {
      const status = await this.#operator.status();
      if (status === undefined || status.stored !== item.head || item.stored !== item.head) return false;
      const { desired, installed } = status.counts;
      const counted = desired === redirects && installed === redirects;
      return counted && whole(status) && whole(item) && item.standing === 'ok' && !status.problem && !item.problem;
    });
  }

  /** Nothing that has to stand was missing or otherwise since, nor deleted; no datagram was lost, and none went to B. */
  async holds(as: string): Promise<void> {
    await this.#goesOn(as);
    const { missing, changed } = await this.#watch.report();
    this.#t.deepEqual({ missing, changed }, { missing: 0, changed: 0 }, `${as}: in each round`);
    this.#t.is(await this.deleted(), 0, `${as}: deleted from maps`);
    this.#t.is((await this.#traffic.b.counted()).datagrams, this.#atB, `${as}: C went on alone`);
  }

  /** What was looked at all in all, in a line. */
  async account(): Promise<string> {
    const [{ sent, lost }, { rounds }] = [await this.#traffic.asker.report(), await this.watched()];
    const { calls, deletes } = await this.#calls();
    const seen = `${sent} datagrams, ${lost} lost; ${rounds} rounds through the map`;
    return `${this.bed.host}: ${seen}; ${this.#traces.length} agents, ${calls} calls of bpf(2), ${deletes} deletes`;
  }

  /** Waits until the watcher has looked a few times more, and everything that A asked has its answer. */
  async #goesOn(as: string): Promise<void> {
    const [{ rounds }, from] = [await this.#watch.report(), this.#sent];
    await until(`${as}: every datagram has its answer`, CONVERGE_MS, async () => {
      const { sent, lost } = await this.#traffic.asker.report();
      this.#sent = sent;
      return lost === 0 && sent >= from + CLEAR.questions;
    });
    await until(`${as}: the watcher looked`, CONVERGE_MS, async () => {
      return (await this.#watch.report()).rounds >= rounds + CLEAR.rounds;
    });
  }
}
