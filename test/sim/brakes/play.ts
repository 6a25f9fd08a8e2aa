import { randomBelow } from '../../conformance/sequences.ts';
import { Carrier, concerned } from '../carrier.ts';
import { Controllers } from '../controllers.ts';
import { failuresIn } from '../failures.ts';
import type { Host } from '../host.ts';
import type { Played } from '../played.ts';
import { HOSTS, type HostName } from '../schedule.ts';
import { SeededClock } from '../seeded-clock.ts';
import { World } from '../world.ts';
import { Operator } from './operator.ts';
import { checkQuiet } from './quiet.ts';
import { type Act, REDIRECTS } from './schedule.ts';
import { Watch } from './watch.ts';

const CAN = ['permit'];
const QUIET_MS = 150_000;
const LOOK_EVERY_MS = 10_000;
/** Longer than what is late, and than brakes look back. */
const LATER_MS = 70_000;

/** Plays a schedule of mass deletes on a world of its own; `seed` decides what the bus does to which message. */
export async function play(acts: readonly Act[], seed: number): Promise<Omit<Played, 'trace'>> {
  const stage = await Stage.make(seed);
  try {
    for (const [at, act] of acts.entries()) {
      await stage.perform(act);
      if (stage.wrong.length > 0) return stage.played(`act ${at}, ${act.act}: `);
    }
    return stage.played('');
  } finally {
    await stage.end();
  }
}

/** What has to come up, beside each act. */
export const BRAKES = ['braked'] as const;

class Stage {
  readonly wrong: string[] = [];
  readonly #world: World;
  readonly #hosts = new Map<HostName, Host>();
  readonly #watches = new Map<HostName, Watch>();
  readonly #controllers: Controllers;
  readonly #operator: Operator;
  readonly #carrier: Carrier;
  readonly #fired = new Set<string>();
  #acts = 0;

  private constructor(world: World, seed: number) {
    this.#world = world;
    this.#carrier = new Carrier(
      seed,
      () => {},
      () => world.clock.monotonicMs(),
    );
    this.#controllers = new Controllers(world);
    this.#operator = new Operator(world);
    world.bus.choose = randomBelow(seed + 1);
    world.bus.carry = (message) => this.#carrier.carry(message);
    world.bus.onArrival = ({ subject }) => {
      const [host] = concerned(subject, '');
      if (host !== undefined && subject.endsWith('.release')) this.#watches.get(host)?.release();
    };
    world.onStatus = ({ brake }) => void (brake !== undefined && this.#fired.add('braked'));
    for (const name of HOSTS) this.#add(name);
  }

  #add(name: HostName): void {
    const host = this.#world.host(name, { role: name === 'c' ? 'core' : 'edge' });
    host.can = CAN;
    const watch = new Watch(host, {
      nowMs: () => this.#world.clock.monotonicMs(),
      permit: () => this.#permitOf(name),
    });
    const note = (wrong: readonly string[]): void => void this.wrong.push(...wrong.map((what) => `${name}: ${what}`));
    host.onOp = (op) => note(watch.op(op));
    host.onAccept = (candidate, acceptance) => note(watch.accepted(candidate, acceptance));
    this.#hosts.set(name, host);
    this.#watches.set(name, watch);
  }

  static async make(seed: number): Promise<Stage> {
    const world = await World.make(new SeededClock(seed));
    const stage = new Stage(world, seed);
    await world.passing(stage.#controllers.start(0));
    for (const host of stage.#hosts.values()) host.start();
    await stage.#pass(2_000);
    return stage;
  }

  played(where: string): Omit<Played, 'trace'> {
    return {
      wrong: this.wrong.map((line) => `${where}${line}`),
      events: this.#acts + this.#carrier.touched,
      fired: [...this.#fired],
    };
  }

  async perform(act: Act): Promise<void> {
    this.#acts += 1;
    await this.#pass(act.afterMs);
    await this.#do(act);
    this.#fired.add(act.act);
    await this.#pass(0);
    this.wrong.push(...this.#operator.wrong.splice(0), ...failuresIn(this.#world.errors.splice(0)));
  }

  async end(): Promise<void> {
    for (const host of this.#hosts.values()) host.kill();
    this.#controllers.kill();
    await this.#pass(0);
    await this.#world.database.close();
  }

  async #do(act: Act): Promise<unknown> {
    switch (act.act) {
      case 'put':
        return this.#operator.put(act.which, act.to, act.allowed);
      case 'delete':
        return this.#operator.delete(act.which, act.allowed);
      case 'loop':
        return await this.#loop(act);
      case 'release':
      case 'resync':
        return this.#operator.ask(act.host, act.act);
      case 'kill controller':
        return this.#controllers.at(act.which)?.kill(act.waits);
      case 'start controller':
        return await this.#world.passing(this.#controllers.start(act.which));
      case 'weather':
        this.#carrier.weather = act.weather;
        return;
      case 'partition':
        return this.#carrier.part(act.host, act.ways);
      case 'time passes':
        return await this.#pass(LATER_MS);
      case 'quiet':
        return await this.#quiet();
      default:
        return this.#harm(act, this.#host(act.host));
    }
  }

  #harm(act: Extract<Act, { readonly host: HostName }>, host: Host): void {
    switch (act.act) {
      case 'labels':
        host.kill();
        host.labels = { role: act.role };
        if (host.bury()) host.start();
        return;
      case 'kill agent':
        host.kill(act.waits);
        return;
      case 'kill agent at op':
        host.kernel.opsToLive = act.ops;
        return;
      case 'start agent':
        if (host.bury()) host.start();
        return;
      case 'reboot':
        host.reboot();
        if (act.starts) host.start();
        return;
      case 'refuse commits':
        host.refuse(act.times, 0);
        return;
      default:
    }
  }

  async #loop({ from, times, each, everyMs }: Extract<Act, { readonly act: 'loop' }>): Promise<void> {
    for (let time = 0; time < times && this.wrong.length === 0; time += 1) {
      const which = Array.from({ length: each }, (_, at) => (from + time * each + at) % REDIRECTS);
      this.#operator.delete(which, false);
      await this.#pass(everyMs);
    }
  }

  /** Everything works again, and has time; then what is withheld is let go, and all is as it was asked for. */
  async #quiet(): Promise<void> {
    this.#carrier.calm();
    await this.#world.passing(this.#controllers.spare());
    for (const host of this.#hosts.values()) {
      host.calm();
      if (host.bury()) host.start();
    }
    await this.#settle(false);
    if (this.wrong.length > 0) return;
    await this.#settle(true);
  }

  async #settle(isReleased: boolean): Promise<void> {
    let wrong: readonly string[] = [];
    for (let waitedMs = 0; waitedMs < QUIET_MS; waitedMs += LOOK_EVERY_MS) {
      for (const name of isReleased ? HOSTS : []) this.#operator.ask(name, 'release');
      await this.#pass(LOOK_EVERY_MS);
      wrong = [...this.#hosts].flatMap(([name, host]) => this.#look(name, host, isReleased));
      if (wrong.length === 0) return;
    }
    this.wrong.push(...wrong);
  }

  #look(name: HostName, host: Host, isReleased: boolean): readonly string[] {
    const { database, statuses } = this.#world;
    const status = statuses.get(name);
    const newest = (key: string) => database.newest(name, key);
    const seen = { status, specs: database.specs(), permit: this.#permitOf(name), newest };
    const left = isReleased && status?.brake !== undefined ? ['withholds what was let go'] : [];
    return [...left, ...checkQuiet(host, seen)].map((what) => `${name}: ${what}`);
  }

  #permitOf(name: HostName): number {
    const [row] = this.#world.database.rows('select permit from marks where host = ?', name);
    return (row as { readonly permit: number } | undefined)?.permit ?? 0;
  }

  #host(name: HostName): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new TypeError(name);
    return host;
  }

  async #pass(delayMs: number): Promise<void> {
    await this.#world.clock.pass(delayMs);
    this.#controllers.bury();
    for (const host of this.#hosts.values()) host.bury();
  }
}
