import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { AttachReport } from '../../agent/attach/attach.ts';
import { LIMITS } from '../../agent/kernel/abi.ts';
import { COMING } from '../../agent/kernel/pins.ts';
import type { HostsReply } from '../../protocol/listings.ts';
import type { Status } from '../../protocol/status.ts';
import { backUp, restore } from './backup.ts';
import { inKernel } from './in-kernel.ts';
import { CONVERGE_MS, Operator, serviceRedirect } from './operator.ts';
import { type Running, until } from './process.ts';
import { C, HOST, ROOT, SERVICE, Testbed } from './testbed.ts';
import { Asker, Echo } from './traffic.ts';

/** Redirects beside the one that carries traffic. */
const MANY = 20;
/** The size gate of a controller lets so many by, also those of a command that does not know of it. */
const AT_ONCE = 5;
const RATE = 200;
const SERVICE_NAME = 'to-c';
const INTERFACES = ['--interface', 'to-a', '--interface', 'to-c'];

interface Traffic {
  readonly b: Echo;
  readonly c: Echo;
  readonly asker: Asker;
}

/**
 * B with an agent, a controller and commands that may each be of another checkout, while A asks the service on and on.
 * Every change is one of all redirects, so that each MAC in the kernel tells which change it is of.
 */
export class MixedHost implements AsyncDisposable {
  readonly bed: Testbed;
  readonly #t: ExecutionContext;
  /** What the kernel is to hold: `destination MAC` by name. */
  readonly #wanted = new Map<string, string>();
  readonly #traffic: Traffic;
  #version = 0;
  #rev = 0;
  /** What B had answered when the service was redirected to C. */
  #atB = 0;
  #sent = 0;
  #agent: Running | undefined;
  #controller: Running | undefined;

  private constructor(t: ExecutionContext, bed: Testbed, traffic: Traffic) {
    this.#t = t;
    this.bed = bed;
    this.#traffic = traffic;
  }

  /** Starts nats-server, the attached program, and traffic that B answers; neither agent nor controller. */
  static async make(t: ExecutionContext, attachedBy: string): Promise<MixedHost> {
    const bed = await Testbed.make();
    try {
      await bed.startNats();
      const [b, c] = [await Echo.start(bed, 'b'), await Echo.start(bed, 'c')];
      const host = new MixedHost(t, bed, { b, c, asker: await Asker.start(bed) });
      await host.attach(attachedBy);
      await host.#traffic.asker.steady(RATE);
      await host.#traffic.asker.answeredBy('b', CONVERGE_MS);
      return host;
    } catch (error) {
      await bed[Symbol.asyncDispose]();
      throw error;
    }
  }

  get agent(): Running {
    if (this.#agent === undefined) throw new Error('no agent was started');
    return this.#agent;
  }

  get controller(): Running {
    if (this.#controller === undefined) throw new Error('no controller was started');
    return this.#controller;
  }

  /** Attaches, or finds that it is done; the interfaces are the same each time. Answers what it says. */
  async attach(by: string): Promise<AttachReport> {
    const { status, stdout, stderr } = await this.bed.by(by).attach(...INTERFACES, '-o', 'json');
    this.#t.is(status, 0, stderr);
    return JSON.parse(stdout) as AttachReport;
  }

  /** Has today's maps take the place of those of an older layout: today's agent, started while `attach` waits, fills them. */
  async moveForth(): Promise<void> {
    const attached = this.attach(ROOT);
    await until('maps of another layout are there', CONVERGE_MS, () => existsSync(join(this.bed.pinRoot, COMING)));
    await this.startAgent(ROOT);
    const { replaced } = await attached;
    this.#t.like(replaced, [{ from: { layout: 1 }, to: { layout: LIMITS.SHUNT_LAYOUT }, counts: true }]);
  }

  /** Puts a release back that does not know today's layout. Packets pass meanwhile, so B answers. */
  async moveBack(to: string): Promise<void> {
    const { status, stderr } = await this.bed.shunt('b', 'detach', '--pin-root', this.bed.pinRoot);
    this.#t.is(status, 0, stderr);
    await this.attach(to);
    await this.startAgent(to);
    await this.#traffic.asker.answeredBy('c', CONVERGE_MS);
    this.#atB = (await this.#traffic.b.counted()).datagrams;
  }

  /** Starts an agent of this checkout, on the one state directory and the one set of pins. */
  async startAgent(of: string): Promise<void> {
    this.#agent = await this.bed.by(of).startAgent();
  }

  /** Starts a controller of this checkout on the one database, beside those that run. */
  async startController(of: string): Promise<void> {
    const controller = await this.bed.by(of).startController();
    this.#controller = controller;
    const serves = () => controller.lines.some((line) => line.includes('controller: serving'));
    await controller.until('serves', CONVERGE_MS, serves);
  }

  /** Has the service answered by C, with the first of the other redirects. */
  async redirect(by: string): Promise<void> {
    await this.change(by);
    const operator = new Operator(this.bed.by(by));
    const { rev } = await operator.apply(serviceRedirect(SERVICE_NAME, 'v4'));
    await operator.applied(rev, CONVERGE_MS, this.agent);
    this.#rev = rev;
    this.#wanted.set(SERVICE_NAME, `${SERVICE.v4} ${C.mac}`);
    await this.#traffic.asker.answeredBy('c', CONVERGE_MS);
    this.#atB = (await this.#traffic.b.counted()).datagrams;
  }

  /** Applies all redirects but the service's anew, with the next version's MAC. */
  async change(by: string): Promise<void> {
    this.#version += 1;
    const mac = `02:00:00:00:00:${this.#version.toString(16).padStart(2, '0')}`;
    const specs = Array.from({ length: MANY }, (_, index) => manyRedirect(index, mac));
    let came = 0;
    for (const some of pieces(specs)) {
      const { created, changed, rev } = await new Operator(this.bed.by(by)).apply(...some);
      came += created + changed;
      this.#rev = rev;
    }
    this.#t.is(came, MANY);
    for (const { name, match } of specs) this.#wanted.set(name, `${match.dst} ${mac}`);
  }

  /** Deletes some of the redirects, which the next change brings back. */
  async remove(by: string, ...indexes: readonly number[]): Promise<void> {
    const names = indexes.map((index) => manyRedirect(index, '').name);
    const { deleted, rev } = await new Operator(this.bed.by(by)).delete(...names);
    this.#t.deepEqual([...deleted].sort(), names.sort());
    this.#rev = rev;
    for (const name of names) this.#wanted.delete(name);
  }

  /** Of many small changes within a minute no controller is told that they are meant, so the brake of today's agents withholds them. */
  async #letGo(): Promise<void> {
    const bed = this.bed.by(ROOT);
    const operator = new Operator(bed);
    const { brake } = await operator.applied(this.#rev, CONVERGE_MS, this.agent);
    if (brake === undefined) return;
    await bed.ask('release', '--host', HOST);
    await until('nothing is withheld', CONVERGE_MS, async () => {
      const status = await operator.status();
      return status !== undefined && status.brake === undefined;
    });
  }

  /**
   * Waits until what is wanted stands and each of the checkouts' commands says so: head = stored = applied, nothing
   * refused, nothing wrong. The kernel holds what is wanted and nothing else; no datagram was lost, and none went to B.
   */
  async rests(as: string, ...checkouts: readonly string[]): Promise<void> {
    await this.#letGo();
    for (const checkout of checkouts) {
      const by = this.bed.by(checkout);
      const status = await new Operator(by).applied(this.#rev, CONVERGE_MS, this.agent);
      this.#judge(status, as);
      await until(`${as}: the controller has heard it`, CONVERGE_MS, async () => {
        const [item] = ((await by.ask('hosts')) as HostsReply).items;
        return item?.head === this.#rev && item.stored === this.#rev && item.applied === this.#rev && !item.problem;
      });
    }
    this.#t.is(this.agent.status, undefined, as);
    this.#t.is(this.controller.status, undefined, as);
    this.#t.deepEqual(warnings(this.controller), [], `${as}: the controller refused nothing`);
    await this.holds(as);
  }

  /** The kernel holds what is wanted and nothing else; no datagram was lost, and none went to B. */
  async holds(as: string): Promise<void> {
    const { asker, b } = this.#traffic;
    this.#t.deepEqual([...(await inKernel(this.bed))].sort(), [...this.#wanted.values()].sort(), as);
    const now = await until(`${as}: every datagram has its answer`, CONVERGE_MS, async () => {
      const asked = await asker.report();
      return asked.lost === 0 && asked.sent > this.#sent && asked;
    });
    this.#sent = now.sent;
    this.#t.is((await b.counted()).datagrams, this.#atB, `${as}: C went on alone`);
  }

  /** Deletes everything and ends: B answers again, and the account of all datagrams adds up. */
  async end(by: string): Promise<void> {
    const { asker, b, c } = this.#traffic;
    const operator = new Operator(this.bed.by(by));
    for (const some of pieces([...this.#wanted.keys()])) this.#rev = (await operator.delete(...some)).rev;
    await this.#letGo();
    const status = await operator.applied(this.#rev, CONVERGE_MS, this.agent);
    this.#t.is(status.counts.desired, 0);
    await asker.answeredBy('b', CONVERGE_MS);
    this.#t.is((await inKernel(this.bed)).size, 0);
    const asked = await asker.stop();
    this.#t.is(asked.lost, 0);
    this.#t.is((await b.counted()).datagrams + (await c.counted()).datagrams, asked.sent);
  }

  /** Copies the database; answers where the copy is. */
  async backUp(name: string): Promise<string> {
    const copy = this.#copyOf(name);
    await backUp(this.bed.database, copy);
    return copy;
  }

  /** Puts a copy in the place of the database; no controller may run. */
  async restore(name: string): Promise<void> {
    await restore(this.#copyOf(name), this.bed.database);
  }

  #copyOf(name: string): string {
    return join(this.bed.folder, `controller-${name}.db`);
  }

  /** Waits until the agent says that the controller's log is not the one that it follows, and keeps what it has. */
  async isHeld(as: string): Promise<void> {
    const operator = new Operator(this.bed);
    await until(as, CONVERGE_MS, async () => {
      const problem = (await operator.status())?.problem ?? '';
      return ['HISTORY_LOST', 'FOREIGN_EPOCH'].includes(problem);
    });
    await this.holds(as);
  }

  get names(): string[] {
    return [...this.#wanted.keys()].sort();
  }

  /** A file of what was last applied, for `plan`. */
  async fileOfService(): Promise<string> {
    const file = join(this.bed.folder, 'service.jsonl');
    await writeFile(file, JSON.stringify(serviceRedirect(SERVICE_NAME, 'v4')));
    return file;
  }

  #judge(status: Status, as: string): void {
    const { stored, applied, counts, exceptionsTotal, problem, refused } = status;
    this.#t.deepEqual(
      { stored, applied, desired: counts.desired, installed: counts.installed, exceptionsTotal, problem },
      {
        ...{ stored: this.#rev, applied: this.#rev, desired: this.#wanted.size, installed: this.#wanted.size },
        ...{ exceptionsTotal: 0, problem: undefined },
      },
      as,
    );
    this.#t.is(refused.total, 0, `${as}: the agent refused nothing: ${JSON.stringify(refused)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bed[Symbol.asyncDispose]();
  }
}

function* pieces<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += AT_ONCE) yield all.slice(from, from + AT_ONCE);
}

function manyRedirect(index: number, mac: string) {
  const match = { dst: `100.64.0.${index}`, proto: 'udp' };
  return { name: `many-${index}`, hosts: [HOST], match, to: { interface: 'to-c', mac } };
}

/** Lines of log that are warnings or worse: pino's levels. */
export function warnings({ lines }: Running): string[] {
  return lines.filter((line) => line.startsWith('{') && (JSON.parse(line) as { level: number }).level >= 40);
}
