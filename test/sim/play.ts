import { randomBelow } from '../conformance/sequences.ts';
import { Backup } from './backup.ts';
import { Carrier, concerned } from './carrier.ts';
import { OpCheck } from './check.ts';
import { Controllers } from './controllers.ts';
import { Doomed } from './doomed.ts';
import { failuresIn } from './failures.ts';
import { FleetCheck } from './fleet-check.ts';
import { harm } from './harm.ts';
import type { Host, Kept } from './host.ts';
import { Operator } from './operator.ts';
import { Oracle } from './oracle.ts';
import type { Played, Stores } from './played.ts';
import { Quiet } from './quiet.ts';
import { RuleWatch } from './rules.ts';
import { type Act, HOSTS, type HostName } from './schedule.ts';
import { SeededClock } from './seeded-clock.ts';
import { SqliteDisk } from './sqlite-disk.ts';
import { checkStatus } from './status-check.ts';
import { Strangers } from './strangers.ts';
import { World } from './world.ts';

/** What a server takes as it comes. */
const MAX_PAYLOAD_BYTES = 1 << 20;
const DAY_MS = 25 * 3_600_000;
/** Plays a schedule on a world of its own; `seed` decides what the bus does to which message. */
export async function play(acts: readonly Act[], seed: number, stores: Stores = 'in memory'): Promise<Played> {
  const stage = await Stage.make(seed, stores);
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
  readonly #controllers: Controllers;
  readonly #oracle = new Oracle();
  readonly #operator: Operator;
  readonly #fleet: FleetCheck;
  readonly #carrier: Carrier;
  readonly #stores = new Map<HostName, Kept>();
  readonly #backup: Backup;
  readonly #quietly: Quiet;
  readonly #strangers: Strangers;
  readonly #fired = new Set<string>();
  readonly #rules: RuleWatch;
  readonly #doomed = new Doomed();
  #acts = 0;

  private constructor(world: World, strangers: Strangers, seed: number, stores: Stores) {
    this.#world = world;
    const note = (what: string): void => void this.#fired.add(what);
    this.#carrier = new Carrier(seed, note, () => world.clock.monotonicMs());
    this.#rules = new RuleWatch((subject) => world.hosts.get(concerned(subject, '')[0] ?? ''), note);
    this.#strangers = strangers;
    this.#fleet = new FleetCheck(world.database, [strangers.database]);
    world.database.onCommit = () => this.wrong.push(...this.#fleet.committed(world.clock.monotonicMs()));
    world.bus.choose = randomBelow(seed + 1);
    this.#backup = new Backup(world, this.#oracle);
    this.#operator = new Operator(world, this.#oracle);
    this.#quietly = new Quiet({
      ...{ world, hosts: this.#hosts, oracle: this.#oracle, fleet: this.#fleet, operator: this.#operator },
      pass: (delayMs) => this.#pass(delayMs),
    });
    this.#controllers = new Controllers(world);
    world.bus.carry = (message) => {
      this.#rules.sent(message);
      return this.#carrier.carry(message);
    };
    this.#rules.onTime = ({ time, runs }, atMs) => void (runs && time.heard(atMs - world.clock.nowMs()));
    world.bus.onArrival = (message) => {
      this.#rules.arrived(message);
      const [host = ''] = concerned(message.subject, '');
      if (message.subject.endsWith('.rearm')) world.hosts.get(host)?.givenUp.arm();
      if (message.subject.endsWith('.resync')) this.#fleet.given(host);
    };
    world.onStatus = (status) => {
      this.#rules.said(status);
      this.wrong.push(
        ...checkStatus(status, world.hosts.get(status.host), world.clock.monotonicMs()),
        ...this.#fleet.said(status),
      );
    };
    for (const name of HOSTS) {
      const disk = stores === 'of SQLite' ? new SqliteDisk() : undefined;
      this.#hosts.set(name, this.#watched(world.host(name, { role: name === 'c' ? 'core' : 'edge' }, disk)));
    }
  }

  /** After a database was put back, a log may say less than a host knows. */
  #watched(host: Host): Host {
    const check = new OpCheck(host, {
      newest: (key) => (this.#mayBeHeld ? undefined : this.#world.database.newest(host.name, key)),
      isOurs: (cursor) => this.#fleet.isOurs(cursor),
      nowMs: () => this.#world.clock.nowMs(),
      isStrange: () => this.#strangers.came,
    });
    host.onDiffer = (what) => this.wrong.push(`${host.name}: its store of SQLite answers otherwise: ${what}`);
    host.onStart = () => {
      this.#rules.started(host);
      this.#fleet.started(host.name);
    };
    host.onAccept = (candidate, acceptance) => {
      this.#rules.accepted(host, candidate, acceptance);
      if (acceptance.outcome !== 'accepted') return;
      host.goesBack ||= this.#mayBeHeld && candidate.base === 'empty' && this.#fleet.isOrdered(host.name);
      check.accepted();
      host.givenUp.revised(host.known);
      this.wrong.push(...this.#fleet.stored(host, candidate, this.#carrier.mayBeOld));
    };
    host.onSave = (rows) => this.wrong.push(...check.saved(rows).map((what) => `${host.name}: ${what}`));
    host.onOp = (op) => this.wrong.push(...check.of(op).map((what) => `${host.name}: ${what}`));
    return host;
  }

  static async make(seed: number, stores: Stores): Promise<Stage> {
    const world = await World.make(new SeededClock(seed));
    const stage = new Stage(world, await Strangers.join(world, ((seed % 3) - 1) * DAY_MS), seed, stores);
    await world.passing(stage.#controllers.start(0));
    for (const name of ['a', 'b'] as const) stage.#host(name).start();
    await stage.#pass(2_000);
    return stage;
  }

  played(where: string): Played {
    return {
      wrong: this.wrong.map((line) => `${where}${line}`),
      events: this.#acts + this.#carrier.touched,
      fired: [...this.#fired],
      trace: this.#world.traceOf(),
    };
  }

  async perform(act: Act): Promise<void> {
    this.#acts += 1;
    await this.#pass(act.afterMs);
    if ((await this.#do(act)) !== false) this.#fired.add(act.act);
    await this.#pass(0);
    this.wrong.push(...this.#fleet.known(this.#world.clock.monotonicMs()));
    this.wrong.push(...failuresIn(this.#world.errors.splice(0)));
  }

  async end(): Promise<void> {
    for (const host of this.#hosts.values()) host.kill();
    this.#controllers.kill();
    this.#strangers.end();
    await this.#pass(0);
    for (const { disk } of this.#hosts.values()) disk?.[Symbol.dispose]();
    await this.#world.database.close();
    await this.#strangers.database.close();
  }

  /** Answers false where there was nothing to do. */
  async #do(act: Act): Promise<unknown> {
    switch (act.act) {
      case 'apply':
        return this.#operator.apply(act.specs);
      case 'delete':
        return this.#operator.delete(act.names);
      case 'kill agent':
        return this.#doomed.of(this.#host(act.host), act, (host) => host.kill(act.waits));
      case 'kill agent at op':
        return this.#doomed.of(this.#host(act.host), act, ({ kernel }) => {
          kernel.opsToLive = act.ops;
        });
      case 'stop agent':
        return this.#stop(this.#host(act.host));
      case 'start agent':
        return this.#start(act.host);
      case 'kill controller':
        return this.#doomed.of(this.#controllers.at(act.which), act, (controller) => controller.kill(act.waits));
      case 'start controller':
        return this.#world.passing(this.#controllers.start(act.which));
      case 'weather':
        this.#carrier.weather = act.weather;
        return;
      case 'partition':
        this.#carrier.part(act.host, act.ways);
        return;
      case 'quiet':
        return this.#quiet();
      case 'keep database':
        return this.#backup.keep();
      case 'foreign controller':
        await this.#world.passing(this.#strangers.start());
        return this.#operator.applyAt(this.#strangers.subjects, act.specs);
      case 'end foreign controller':
        return this.#strangers.end();
      case 'max payload':
        this.#world.bus.maxPayloadBytes = act.bytes;
        return;
      case 'flip database row':
        return this.#world.database.flip(act.of, act.which);
      case 'resync':
        if (this.#mayBeHeld) this.#fleet.decreed([act.host]);
        return void this.#fleet.ordered(act.host, this.#operator.resync(act.host));
      case 'rearm':
        return this.#operator.run(act);
      case 'forget':
        if (act.ends) this.#host(act.host).kill();
        this.#fleet.forgetting(act.host, this.#world.clock.monotonicMs());
        return this.#operator.run(act);
      case 'recover':
        return this.#recover();
      case 'a day passes':
        this.#world.clock.wallMs += DAY_MS;
        this.#fleet.dayPassed();
        for (const { time } of this.#hosts.values()) time.moved();
        this.#controllers.tidy();
        return;
      case 'tidy':
        return this.#controllers.tidy();
      case 'busy database':
        this.#world.database.busy = act.when;
        return;
      case 'restore database':
        return this.#restoreDatabase(act);
      default:
        return harm(act, this.#host(act.host), this.#stores);
    }
  }

  get #mayBeHeld(): boolean {
    return this.#backup.restored || this.#strangers.came;
  }

  /** Everything works again, and has time. Then it has to be as was asked for. */
  async #quiet(): Promise<void> {
    this.#carrier.calm();
    this.#doomed.clear();
    this.#strangers.end();
    this.#world.bus.maxPayloadBytes = MAX_PAYLOAD_BYTES;
    await this.#world.passing(this.#controllers.spare());
    for (const [name, host] of this.#hosts) {
      host.calm();
      this.#start(name);
    }
    this.wrong.push(...(await this.#quietly.settle(this.#mayBeHeld)));
    if (this.#backup.restored && this.wrong.length === 0) this.wrong.push(...(await this.#quietly.mend()));
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
    if (host.runs) await this.#world.passing(host.stop());
  }

  #recover(): void {
    if (this.#mayBeHeld) this.#fleet.decreed(HOSTS);
    for (const host of HOSTS) this.#fleet.forgetting(host, this.#world.clock.monotonicMs());
    this.#operator.run({ act: 'recover', afterMs: 0 });
  }

  /** Where somebody recovers at once, hosts that came after the copy have not been heard by then. */
  async #restoreDatabase({
    recovers,
    stores,
  }: {
    readonly recovers: boolean;
    readonly stores: boolean;
  }): Promise<boolean> {
    if (!this.#backup.exists) return false;
    this.#controllers.kill();
    this.#controllers.bury();
    await this.#pass(0);
    this.#fleet.restoring();
    this.#backup.restore();
    this.#fleet.restored();
    for (const host of stores ? HOSTS : [])
      harm({ act: 'restore store', afterMs: 0, host, starts: true }, this.#host(host), this.#stores);
    if (!recovers) return true;
    await this.#world.passing(this.#controllers.start(0));
    this.#recover();
    return true;
  }

  async #pass(delayMs: number): Promise<void> {
    await this.#world.clock.pass(delayMs);
    for (const act of this.#doomed.died()) this.#fired.add(act);
    this.#controllers.bury();
    for (const host of this.#hosts.values()) host.bury();
  }
}
