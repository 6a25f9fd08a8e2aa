import { failuresIn } from '../failures.ts';
import { Fleet } from './fleet.ts';
import type { LightHost } from './host.ts';
import {
  abortAtLast,
  abortOnceReached,
  joinAtLast,
  keepPacketsAway,
  letSilentBy,
  sleepWhileSoaking,
} from './last-moment.ts';
import type { Rollout } from './look.ts';
import { changeOnceBack } from './once-back.ts';
import { askOutstanding } from './outstanding.ts';
import { BUSY } from './packets.ts';
import type { Act, Schedule } from './schedule.ts';
import { settle } from './settle.ts';
import { CALM } from './weather.ts';

/** What has to be answered and come about in some schedules, beside the acts. */
export const ANSWERS = [
  'rollout-start done',
  'apply ROLLOUT_ACTIVE',
  'delete ROLLOUT_ACTIVE',
  'rollout-start ROLLOUT_ACTIVE',
  'PAUSED PUBLISH',
  'PAUSED CONVERGE',
  'PAUSED SOAK',
  'ROLLED_BACK ',
  'DONE ',
] as const;

/** What a schedule came to. `trace`: one digest of every message, and of what hosts hold at the end. */
export interface Played {
  readonly wrong: readonly string[];
  readonly events: number;
  readonly fired: readonly string[];
  readonly trace: string;
}

/** Plays a schedule on a fleet of its own; `seed` decides what the bus does to which message. */
export async function play({ hosts, acts }: Schedule, seed: number): Promise<Played> {
  const stage = new Stage(await Fleet.make(seed));
  stage.fleet.tells = true;
  try {
    for (let number = 0; number < hosts; number += 1) stage.fleet.host(number).start();
    await stage.fleet.pass(1_500);
    for (const [at, act] of acts.entries()) {
      const wrong = await stage.perform(act);
      if (wrong.length > 0) return stage.played(wrong.map((line) => `act ${at}, ${act.act}: ${line}`));
    }
    return stage.played([]);
  } finally {
    await stage.fleet.end();
  }
}

class Stage {
  readonly fleet: Fleet;
  readonly #fired = new Set<string>();
  #acts = 0;

  constructor(fleet: Fleet) {
    this.fleet = fleet;
  }

  played(wrong: readonly string[]): Played {
    const { carrier, operator, world, hosts } = this.fleet;
    const held = [...hosts.values()].map(({ name, kernel, disk }) => [name, disk.cursor, [...kernel]]);
    return {
      wrong,
      events: this.#acts + carrier.touched,
      fired: [...this.#fired, ...operator.answers.keys()],
      trace: `${world.traceOf()} ${JSON.stringify(held)}`,
    };
  }

  /** Answers what must not be. */
  async perform(act: Act): Promise<readonly string[]> {
    const { fleet } = this;
    this.#acts += 1;
    await fleet.pass(act.afterMs);
    if ((await this.#do(act)) !== false) this.#fired.add(act.act);
    await fleet.pass(0);
    this.#askOutstanding();
    for (const { state, step } of fleet.judge.reach.all.values()) this.#fired.add(`${state} ${step ?? ''}`);
    return [...fleet.judge.wrong, ...failuresIn(fleet.world.errors.splice(0))];
  }

  /** Of the one that went back last. */
  #askOutstanding(): void {
    const { judge } = this.fleet;
    const gone = [...judge.reach.all.values()].filter(({ state }) => state === 'ROLLED_BACK').at(-1);
    if (gone !== undefined) askOutstanding(this.fleet, gone.id);
  }

  /** Answers false where there was nothing to do. */
  async #do(act: Act): Promise<unknown> {
    const { operator, pair, carrier, world } = this.fleet;
    switch (act.act) {
      case 'apply':
        return operator.apply(act.wishes, act.withinMs);
      case 'delete':
        return operator.delete(act.names);
      case 'start rollout':
        return operator.start(act.wishes, act.deletes, act.terms);
      case 'kill controller':
        return pair.kill(act.which, act.waits);
      case 'freeze controller':
        return pair.freeze(act.which, act.waits);
      case 'start controller':
        return world.passing(pair.start(act.which));
      case 'thaw controller':
        return pair.thaw(act.which);
      case 'weather':
        carrier.weather = act.weather;
        return;
      case 'recover':
        return operator.recover();
      case 'tidy':
        return pair.tidy();
      case 'join at the last moment':
        return joinAtLast(this.fleet, act.host);
      case 'abort at the last moment':
        return abortAtLast(this.fleet, act.step);
      case 'abort once reached':
        return abortOnceReached(this.fleet, act.hosts);
      case 'sleep while it soaks':
        return sleepWhileSoaking(this.fleet, act.sleepMs);
      case 'let a silent wave by':
        return letSilentBy(this.fleet);
      case 'keep packets away':
        return keepPacketsAway(this.fleet);
      case 'change once back':
        return changeOnceBack(this.fleet);
      case 'part everybody':
        for (const { bent, packets } of this.fleet.hosts.values()) {
          bent.ways = act.is ? 'both' : 'none';
          packets.changed();
        }
        return;
      case 'calm':
        return this.#calm();
      default:
        return 'which' in act ? this.#steer(act) : this.#bend(act);
    }
  }

  #steer(act: Extract<Act, { readonly which: number }>): unknown {
    const { operator, judge } = this.fleet;
    const rollouts = [...judge.look.rollouts.values()];
    const of = (fits: (rollout: Rollout) => boolean): Rollout | undefined => {
      const fitting = rollouts.filter(fits);
      return fitting[act.which % Math.max(1, fitting.length)];
    };
    const active = of(({ state }) => state !== 'DONE' && state !== 'ROLLED_BACK');
    switch (act.act) {
      case 'undo': {
        const done = of(({ state }) => state === 'DONE');
        return done === undefined ? false : operator.undo(done.id, act.force);
      }
      case 'pause':
        return active === undefined ? false : operator.pause(active.id);
      case 'abort':
        return active === undefined ? false : operator.abort(active.id);
      case 'resume': {
        const paused = of(({ state }) => state === 'PAUSED');
        if (paused === undefined) return false;
        if (act.skipGate) judge.soaks.skipped.add(paused.id);
        return operator.resume(paused, act.skipGate);
      }
      case 'exclude':
        return active === undefined ? false : operator.exclude(active.id, this.fleet.host(act.host).name);
      case 'verdict':
        return active === undefined ? false : operator.verdict(active.id, act.verdict);
    }
    return false;
  }

  #bend(act: Extract<Act, { readonly host: number }>): unknown {
    const isThere = this.fleet.hosts.has(`h${act.host}`);
    if (!isThere && act.act !== 'join') return false;
    const host: LightHost = this.fleet.host(act.host);
    host.packets.changed();
    switch (act.act) {
      case 'join':
      case 'start host':
        return host.start();
      case 'kill host':
        return host.kill();
      case 'power off':
        return host.powerOff();
      case 'forget':
        return this.fleet.operator.forget(host.name);
      case 'part':
        host.bent.ways = act.ways;
        return;
      case 'slow':
        host.bent.applyMs = act.applyMs;
        return;
      case 'block':
        host.bent.isBlocked = act.is;
        return host.look();
      case 'bypass':
        host.bent.isBypassed = act.is;
        return host.look();
      case 'traffic':
        host.flow();
        host.packets.traffic = act.traffic;
        return;
      case 'guard':
        host.bent.guard = act.guard;
        return host.look();
      case 'lie':
        host.bent.lie = act.lie;
        return host.look();
      case 'labels':
        host.bent.labels = { role: act.role };
        host.kill();
        return host.start();
    }
    return false;
  }

  /** Everything works again, and has time. Then it has to be as was asked for. */
  async #calm(): Promise<void> {
    const { fleet } = this;
    fleet.carrier.weather = CALM;
    await fleet.world.passing(fleet.pair.spare());
    for (const host of fleet.hosts.values()) {
      const well = { ways: 'none', applyMs: 0, isBlocked: false, isBypassed: false, lie: undefined, guard: 'open' };
      Object.assign(host.bent, well);
      host.flow();
      host.packets.changed();
      host.packets.traffic = BUSY;
      host.start();
      host.look();
    }
    fleet.judge.wrong.push(...(await settle(fleet)));
  }
}
