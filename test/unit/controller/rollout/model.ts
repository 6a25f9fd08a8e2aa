import type { Rollout } from '../../../../controller/model/rollout.ts';
import { decide } from '../../../../controller/rollout/decide.ts';
import { aborting } from '../../../../controller/rollout/orders.ts';
import { PACE } from '../../../../controller/rollout/pace.ts';
import type { Decision, RolloutHostNow, Snapshot } from '../../../../controller/rollout/snapshot.ts';
import { FAILS, host, NOW, PASSES, rollout } from './snapshots.ts';

/** How a controller may be wrong. */
export const BROKEN = {
  'no compare and set': { guard: false },
  'going back skips silent hosts': { onlyHeard: true },
  'promotion without its check': { unchecked: true },
} as const satisfies Record<string, Breach>;

interface Breach {
  readonly guard?: false;
  readonly onlyHeard?: true;
  readonly unchecked?: true;
}

/** One host as the world has it. */
interface Body {
  row: RolloutHostNow | undefined;
  heard: boolean;
  /** How often it was told the change, and whether it has it by its log. */
  told: number;
  has: boolean;
  /** In which wave it was told. */
  wave: number;
}

/** A rollout, its hosts, and controllers that look at one time and act at another. */
export class Model {
  readonly #breach: Breach;
  readonly #random: () => number;
  readonly #hosts = new Map<string, Body>();
  #rollout: Rollout = rollout({ is: 'RUNNING', step: { at: 'PUBLISH', wave: 1 } }, { soakMs: 1000 });
  #nowMs = NOW;
  #fails = false;
  readonly #looks: (Snapshot | undefined)[] = [undefined, undefined];

  constructor(random: () => number, breach: Breach = {}) {
    this.#random = random;
    this.#breach = breach;
    const sizes = this.#rollout.plan.waves.flatMap(({ size }, at) => Array<number>(size).fill(at + 1));
    for (const [at, wave] of sizes.entries()) {
      const row = host(`h${at}`, at + 1, { wave });
      this.#hosts.set(row.host, { row, heard: true, told: 0, has: false, wave: 0 });
    }
  }

  /** Does something at random; answers what is wrong after it. */
  step(): string | undefined {
    this.#nowMs += 500;
    const draw = this.#random();
    if (draw < 0.04) this.#fails = !this.#fails;
    else if (draw < 0.16) this.#toggle();
    else if (draw < 0.18) this.#join();
    else if (draw < 0.185) this.#abort();
    else this.#control();
    return this.#wrong();
  }

  #toggle(): void {
    const bodies = [...this.#hosts.values()];
    const one = bodies[Math.floor(this.#random() * bodies.length)];
    if (one !== undefined) one.heard = !one.heard;
  }

  #join(): void {
    const name = `h${this.#hosts.size}`;
    if (this.#hosts.size < 7) this.#hosts.set(name, { row: undefined, heard: true, told: 0, has: false, wave: 0 });
  }

  #abort(): void {
    const { state } = this.#rollout;
    if (state.is === 'RUNNING' || state.is === 'PAUSED')
      this.#move(aborting(this.#rollout, { at: this.#nowMs })?.to ?? state);
  }

  /** One of two controllers looks, or does what it decided when it looked. */
  #control(): void {
    const which = this.#random() < 0.5 ? 0 : 1;
    const look = this.#looks[which];
    this.#looks[which] = look === undefined ? this.#look() : undefined;
    if (look === undefined) return;
    const decision = decide(this.#bent(look), this.#nowMs);
    if (decision === undefined) return;
    if (this.#breach.guard !== false && look.rollout.version !== this.#rollout.version) return;
    if (decision.act.do === 'promote' && !this.#breach.unchecked && this.#joined().length > 0) return;
    this.#carryOut(decision);
  }

  #bent(look: Snapshot): Snapshot {
    if (this.#breach.onlyHeard && look.rollout.state.is === 'ROLLING_BACK')
      return { ...look, hosts: look.hosts.filter(({ heard }) => heard === 'fresh') };
    return look;
  }

  #look(): Snapshot {
    const hosts = [...this.#hosts.values()].flatMap(({ row, heard, has }): RolloutHostNow[] => {
      if (row === undefined) return [];
      const word = heard ? ({ heard: 'fresh', verified: has, settled: has } as const) : { heard: 'stale' as const };
      return [{ ...row, ...word }];
    });
    const judgement = this.#fails ? FAILS : PASSES;
    const known = { joined: this.#breach.unchecked ? [] : this.#joined(), blind: false, superseded: false };
    return { rollout: this.#rollout, hosts, judgement, ...known, periods: PACE, hostsAtOnce: 2 };
  }

  #joined(): readonly string[] {
    return [...this.#hosts].flatMap(([name, { row }]) => (row === undefined ? [name] : []));
  }

  #move(state: Rollout['state']): void {
    this.#rollout = { ...this.#rollout, state, version: this.#rollout.version + 1 };
  }

  #carryOut({ act, to }: Decision): void {
    const wave = 'step' in to ? to.step.wave : to.wave;
    this.#move(to);
    if (act.do === 'publish') {
      for (const name of act.deferred) this.#set(name, { state: 'deferred' });
      for (const name of act.hosts) this.#tell(name, wave);
    }
    if (act.do === 'withdraw') for (const name of act.hosts) this.#set(name, { state: 'withdrawn' }, false);
    if (act.do === 'join')
      for (const [at, name] of act.hosts.entries()) {
        const body = this.#hosts.get(name);
        if (body !== undefined) body.row = host(name, 100 + at, { wave: 4 });
      }
  }

  #tell(name: string, wave: number): void {
    const body = this.#hosts.get(name);
    if (body === undefined) return;
    body.told += 1;
    body.wave = wave;
    this.#set(name, { state: 'published', wave }, true);
  }

  #set(name: string, to: Partial<RolloutHostNow>, has?: boolean): void {
    const body = this.#hosts.get(name);
    if (body?.row === undefined) return;
    body.row = { ...body.row, ...to };
    if (has !== undefined) body.has = has;
  }

  #wrong(): string | undefined {
    const bodies = [...this.#hosts.values()];
    if (bodies.some(({ told }) => told > 1)) return 'a host was told twice';
    for (const [at, { size }] of this.#rollout.plan.waves.entries())
      if (bodies.filter(({ told, wave }) => told > 0 && wave === at + 1).length > size) return 'a wave grew';
    const { state } = this.#rollout;
    if (state.is === 'ROLLED_BACK' && bodies.some(({ has }) => has)) return 'a host has what was rolled back';
    if (state.is !== 'DONE') return undefined;
    if (bodies.some(({ row }) => row === undefined)) return 'a host was left out';
    return bodies.some(({ row }) => row?.state === 'withdrawn') ? 'done, though it went back' : undefined;
  }

  get ended(): boolean {
    return this.#rollout.state.is === 'DONE' || this.#rollout.state.is === 'ROLLED_BACK';
  }
}
