import {
  encodeApplyRequest,
  encodeDeleteRequest,
  isApiError,
  parseApplyReply,
  parseDeleteReply,
} from '../../protocol/api.ts';
import type { MemoryStore } from '../fakes/memory-store.ts';
import { Carrier } from './carrier.ts';
import { checkQuiet, checkStatus, OpCheck } from './check.ts';
import { Controller } from './controller.ts';
import type { Host } from './host.ts';
import { Oracle, written } from './oracle.ts';
import { type Act, HOSTS, type HostName } from './schedule.ts';
import { SeededClock } from './seeded-clock.ts';
import { World } from './world.ts';

/** Longer than a read-back, two syncs and any life of a redirect: what does not hold by then does not hold. */
const QUIET_MS = 75_000;
/** Whatever was late has come by then. */
const LOOK_EVERY_MS = 20_000;
/** A loop that ended, or work that was given up; other errors are of the world, and it is right to log them. */
const FAILED = /"[a-z: ]*failed"/;

/** What a schedule came to. */
export interface Played {
  /** What must hold and did not; the first ones. */
  readonly wrong: readonly string[];
  /** Acts, and messages that were lost, repeated or late. */
  readonly events: number;
  /** Over every message and every op, in their order. */
  readonly trace: string;
}

/** Plays a schedule on a world of its own; `seed` decides what the bus does to which message. */
export async function play(acts: readonly Act[], seed: number): Promise<Played> {
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

class Stage {
  readonly wrong: string[] = [];
  readonly #world: World;
  readonly #hosts = new Map<HostName, Host>();
  readonly #controllers: readonly Controller[];
  readonly #oracle = new Oracle();
  readonly #carrier: Carrier;
  readonly #stores = new Map<HostName, Pick<MemoryStore, 'stored' | 'set'>>();
  #backup: { readonly data: Buffer; readonly back: () => void } | undefined;
  #restored = false;
  #acts = 0;
  #uploads = 0;

  private constructor(world: World, seed: number) {
    this.#world = world;
    this.#carrier = new Carrier(seed);
    this.#controllers = [world.controller, new Controller(world)];
    world.bus.carry = (message) => this.#carrier.carry(message);
    world.onStatus = (status) => this.wrong.push(...checkStatus(status, world.hosts.get(status.host)));
    for (const name of HOSTS)
      this.#hosts.set(name, this.#watched(world.host(name, { role: name === 'c' ? 'core' : 'edge' })));
  }

  /** After a database was put back, a log may say less than a host knows. */
  #watched(host: Host): Host {
    const check = new OpCheck(host, (key) =>
      this.#restored ? undefined : this.#world.database.newest(host.name, key),
    );
    host.onOp = (op) => this.wrong.push(...check.of(op).map((what) => `${host.name}: ${what}`));
    return host;
  }

  static async make(seed: number): Promise<Stage> {
    const stage = new Stage(await World.make(new SeededClock(seed)), seed);
    await stage.#startController(0);
    for (const name of ['a', 'b'] as const) stage.#host(name).start();
    await stage.#pass(2_000);
    return stage;
  }

  played(where: string): Played {
    return {
      wrong: this.wrong.map((line) => `${where}${line}`),
      events: this.#acts + this.#carrier.touched,
      trace: this.#world.traceOf(),
    };
  }

  async perform(act: Act): Promise<void> {
    this.#acts += 1;
    await this.#pass(act.afterMs);
    await this.#do(act);
    await this.#pass(0);
    const failures = this.#world.errors
      .splice(0)
      .map(textOf)
      .filter((text) => FAILED.test(text));
    this.wrong.push(...failures.map((text) => `logged: ${text}`));
  }

  async end(): Promise<void> {
    for (const host of this.#hosts.values()) host.kill();
    for (const controller of this.#controllers) controller.kill();
    await this.#pass(0);
    await this.#world.database.close();
  }

  async #do(act: Act): Promise<void> {
    switch (act.act) {
      case 'apply': {
        const specs = act.specs.map((wish) => written(wish, this.#world.clock.nowMs()));
        return this.#ask(this.#apply(uniquely(specs)), this.#oracle.asked(uniquely(specs), []));
      }
      case 'delete':
        return this.#ask(this.#delete(act.names), this.#oracle.asked([], act.names));
      case 'kill agent':
        return this.#host(act.host).kill(act.waits);
      case 'kill agent at op':
        this.#host(act.host).kernel.opsToLive = act.ops;
        return;
      case 'stop agent':
        return this.#stop(this.#host(act.host));
      case 'start agent':
        return this.#start(act.host);
      case 'kill controller':
        return this.#controllers[act.which]?.kill(act.waits);
      case 'start controller':
        return this.#startController(act.which);
      case 'weather':
        this.#carrier.weather = act.weather;
        return;
      case 'partition':
        this.#carrier.part(act.host, act.ways);
        return;
      case 'quiet':
        return this.#quiet();
      case 'keep database':
        this.#backup = { data: this.#world.database.snapshot(), back: this.#oracle.copy() };
        return;
      case 'tidy':
        return this.#tidy();
      case 'restore database':
        return this.#restoreDatabase();
      default:
        return this.#harm(act, this.#host(act.host));
    }
  }

  /** What happens to a host that its agent has not asked for. */
  #harm(act: Extract<Act, { host: HostName }>, host: Host): void {
    const { kernel } = host;
    switch (act.act) {
      case 'lose store':
        this.#replace(host, undefined);
        break;
      case 'keep store':
        this.#stores.set(act.host, { stored: host.store.stored, set: host.store.set });
        break;
      case 'restore store': {
        const kept = this.#stores.get(act.host);
        if (kept !== undefined) this.#replace(host, kept);
        break;
      }
      case 'damage store':
        host.kill();
        host.bury();
        host.store.stored = { ...host.store.stored, sound: false };
        break;
      case 'reboot':
        host.reboot();
        break;
      case 'wall clock':
        host.aheadMs = act.aheadMs;
        break;
      case 'uproot':
        kernel.uproot([...kernel.observe().entries.keys()][act.which] ?? '');
        break;
      case 'plant': {
        const [entry] = kernel.observe().entries.values();
        if (entry !== undefined) kernel.plant(entry.key, { ...entry.value, action: 'drop', rev: 1 }, act.which === 0);
        break;
      }
      case 'link':
        kernel.netdev('eth1', { up: act.up });
        kernel.notify();
        break;
      case 'refuse op':
        kernel.failNext(act.op, 'ENOMEM');
        break;
      case 'labels':
        host.labels = { role: act.role };
        host.kill();
        host.bury();
        host.start();
        break;
    }
  }

  #replace(host: Host, kept: Pick<MemoryStore, 'stored' | 'set'> | undefined): void {
    host.kill();
    host.bury();
    host.loseStore(kept);
  }

  /** Everything works again, and has time. Then it has to be as was asked for. */
  async #quiet(): Promise<void> {
    this.#carrier.calm();
    for (const controller of this.#controllers) controller.spare();
    for (const which of this.#controllers.keys()) await this.#startController(which);
    for (const [name, host] of this.#hosts) {
      host.spare();
      host.kernel.netdev('eth1', { up: true });
      host.kernel.notify();
      this.#start(name);
    }
    let wrong: readonly string[] = ['it was never looked at'];
    for (let waitedMs = 0; waitedMs < QUIET_MS && wrong.length > 0; waitedMs += LOOK_EVERY_MS) {
      await this.#pass(LOOK_EVERY_MS);
      wrong = await this.#look();
    }
    this.wrong.push(...wrong);
  }

  /** What is not as it was asked for. */
  async #look(): Promise<readonly string[]> {
    const { desk } = this.#world.controller.ports;
    const { items } = await this.#passing(desk.get({ v: 1 }, 500_000));
    const specs = items.map(({ spec }) => spec);
    const { items: known } = await this.#passing(desk.hosts({ v: 1 }, 500_000));
    const nowMs = this.#world.clock.nowMs();
    const wrong = [...this.#hosts].flatMap(([name, host]) => {
      const status = this.#world.statuses.get(name);
      const listed = known.find((it) => it.host === name);
      return checkQuiet(host, { name, status, listed, specs, nowMs, mayBeHeld: this.#restored });
    });
    this.wrong.push(...this.#oracle.settle(specs));
    return wrong;
  }

  #apply(specs: readonly object[]): Promise<boolean> {
    this.#uploads += 1;
    const request = { v: 1, upload: `u${this.#uploads}`, part: 0, parts: 1, specs } as const;
    const reply = this.#world.api('apply', encodeApplyRequest(request));
    return reply.then((bytes) => !isApiError(parseApplyReply(bytes)));
  }

  #delete(names: readonly string[]): Promise<boolean> {
    const reply = this.#world.api('delete', encodeDeleteRequest({ v: 1, names: [...new Set(names)] }));
    return reply.then((bytes) => !isApiError(parseDeleteReply(bytes)));
  }

  #ask(asked: Promise<boolean>, became: (what: 'done' | 'refused' | 'unknown') => void): void {
    asked.then(
      (done) => became(done ? 'done' : 'refused'),
      () => became('unknown'),
    );
  }

  #host(name: HostName): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new TypeError(name);
    return host;
  }

  #start(name: HostName): void {
    const host = this.#host(name);
    if (host.bury()) host.start();
  }

  async #stop(host: Host): Promise<void> {
    if (host.runs) await this.#passing(host.stop());
  }

  async #startController(which: number): Promise<void> {
    const controller = this.#controllers[which];
    if (controller?.bury()) await this.#passing(controller.start());
  }

  /** Drops what is no longer needed, which takes ten minutes of waiting otherwise. */
  #tidy(): void {
    const controller = this.#controllers.find(({ runs }) => runs);
    controller?.ports.roster.tidy().catch(() => {}); // it may die of it
  }

  async #restoreDatabase(): Promise<void> {
    if (this.#backup === undefined) return;
    for (const controller of this.#controllers) {
      controller.kill();
      controller.bury();
    }
    await this.#pass(0);
    this.#world.database.restore(this.#backup.data);
    this.#backup.back();
    this.#restored = true;
  }

  /** Lets time pass until something is done. */
  async #passing<T>(work: Promise<T>): Promise<T> {
    let over = false;
    const done = work.finally(() => {
      over = true;
    });
    done.catch(() => {}); // whoever waits below has it
    for (let waited = 0; !over && waited < 1000; waited += 1) await this.#world.clock.pass(1);
    if (!over) throw new Error('it takes more than a second');
    return await done;
  }

  async #pass(delayMs: number): Promise<void> {
    await this.#world.clock.pass(delayMs);
    for (const controller of this.#controllers) controller.bury();
    for (const host of this.#hosts.values()) host.bury();
  }
}

/** The last of each name. */
function uniquely(specs: readonly object[]): readonly object[] {
  return [...new Map(specs.map((spec) => [(spec as { readonly name: string }).name, spec])).values()];
}

function textOf(entry: unknown): string {
  return JSON.stringify(entry, (_, value: unknown) =>
    value instanceof Error ? (value.stack ?? value.message) : value,
  );
}
