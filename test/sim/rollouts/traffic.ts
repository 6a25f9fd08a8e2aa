import { keyOf } from '../../../protocol/key.ts';
import type { LightHost } from './host.ts';
import { type Look, type Rollout, specOf } from './look.ts';
import { versionOf } from './value.ts';

/** Who loses packets for so long, or since before it was reached, has told so, and was judged by that. */
const TOLD_MS = 40_000;
/** After so long, what was before it weighs too much in the minutes by which a host is judged. */
const WEIGHED_MS = 240_000;
/** What a schedule has hosts lose is far more than any gate lets by; with fewer packets there is no mass. */
const LOSES_PERCENT = 20;
const MANY = 40;

/** Whatever packets really do on hosts, a wave by whose gates they ought not to pass does not pass. */
export class TrafficCheck {
  readonly #hosts: ReadonlyMap<string, LightHost>;
  readonly #skipped: ReadonlySet<string>;
  /** When each host of each rollout was reached. */
  readonly #reachedMs = new Map<string, number>();

  constructor(hosts: ReadonlyMap<string, LightHost>, skipped: ReadonlySet<string>) {
    this.#hosts = hosts;
    this.#skipped = skipped;
  }

  committed(before: Look, now: Look): readonly string[] {
    const wrong: string[] = [];
    for (const is of now.rollouts.values()) {
      const was = before.rollouts.get(is.id);
      for (const { host, state } of is.hosts.values())
        if (state === 'published' && was?.hosts.get(host)?.state !== 'published')
          this.#reachedMs.set(`${is.id} ${host}`, now.atMs);
      if (was !== undefined && passes(was, is) && !this.#skipped.has(is.id)) wrong.push(...this.#judge(was, now.atMs));
    }
    return wrong;
  }

  *#judge(rollout: Rollout, atMs: number): Generator<string> {
    const { id, wave, plan, hosts } = rollout;
    const wants = plan.noTrafficOk !== true && plan.now !== true;
    if (wave === 1 && wants && plan.puts && this.#met(rollout) < 1)
      yield `rollout ${id} goes on from wave 1, and no packet met what it brought`;
    if (!plan.gates.some((gate) => gate.startsWith('losses'))) return;
    for (const { host, state } of hosts.values()) {
      const reachedMs = atMs - (this.#reachedMs.get(`${id} ${host}`) ?? atMs);
      if (state === 'published' && reachedMs <= WEIGHED_MS && this.#losesMs(host) >= Math.min(reachedMs, TOLD_MS))
        yield `rollout ${id} goes on from wave ${wave}, and ${host} loses packets`;
    }
  }

  /** Packets that met what it brought to hosts of wave 1, or what came to stand where it took something away. */
  #met({ hosts, specs }: Rollout): number {
    const [before, after] = [[...specs.values()].map((it) => it.before), [...specs.values()].map((it) => it.after)];
    const keys = new Set(
      [...before, ...after].filter((text) => text !== null).map((text) => keyOf(specOf(text).match)),
    );
    const [replaced, brought] = [before.flatMap(versionsOf), after.flatMap(versionsOf)];
    const reached = [...hosts.values()].filter(({ wave, state }) => wave === 1 && state === 'published');
    let met = 0;
    for (const { host } of reached) {
      const light = this.#hosts.get(host);
      light?.flow();
      const stands = [...(light?.kernel ?? [])].flatMap(([key, value]) => (keys.has(key) ? versionOf(value) : []));
      const others = stands.filter((version) => !replaced.includes(version));
      for (const version of new Set([...brought, ...others])) met += light?.packets.metOf(version) ?? 0;
    }
    return met;
  }

  /** How long a host has lost many of many packets. */
  #losesMs(host: string): number {
    const light = this.#hosts.get(host);
    if (light === undefined || !light.runs || light.ways !== 'none') return Number.NEGATIVE_INFINITY;
    const { traffic, steadyMs } = light.packets;
    const loses = traffic.perSecond >= MANY && traffic.lostPercent >= LOSES_PERCENT;
    return loses && light.kernel.size > 0 && !light.bent.isBypassed ? steadyMs : Number.NEGATIVE_INFINITY;
  }
}

/** It soaked, and goes on to what comes next. */
function passes(was: Rollout, is: Rollout): boolean {
  return (
    was.state === 'RUNNING' && was.step === 'SOAK' && is.state === 'RUNNING' && is.step !== 'SOAK' && holds(was, is)
  );
}

/** A wave of which nobody is left begins again. */
function holds(was: Rollout, is: Rollout): boolean {
  return is.wave > was.wave || is.step === 'PROMOTE';
}

function versionsOf(text: string | null): readonly number[] {
  return text === null ? [] : [versionOf(text)];
}
