import { isActive, type Look, type Rollout } from './look.ts';
import { briefly, versionOf } from './value.ts';

/** Whom rollouts have reached, and what only they may have. */
export class Reach {
  /** The rollout that a version came with. */
  readonly #owners = new Map<number, string>();
  readonly #known = new Set<number>();
  /** By rollout, every host that it ever reached. */
  readonly #reached = new Map<string, Set<string>>();
  #rollouts: Look['rollouts'] = new Map();

  /** After each transaction. Answers what is in logs and must not be there. */
  committed(look: Look): readonly string[] {
    for (const rollout of look.rollouts.values()) this.#note(rollout);
    for (const text of look.specs.values()) this.#known.add(versionOf(text));
    this.#rollouts = look.rollouts;
    const wrong: string[] = [];
    for (const [host, log] of look.logs)
      for (const { op, body } of log.values())
        if (op === 'put') wrong.push(...this.logged(host, body).map((what) => `the log of ${what}`));
    return wrong;
  }

  #note({ id, specs, hosts }: Rollout): void {
    for (const { before, after } of this.#reached.has(id) ? [] : specs.values()) {
      if (before !== null) this.#known.add(versionOf(before));
      if (after === null || this.#known.has(versionOf(after))) continue;
      this.#known.add(versionOf(after));
      this.#owners.set(versionOf(after), id);
    }
    const reached = this.#reached.get(id) ?? new Set();
    this.#reached.set(id, reached);
    for (const { host, state } of hosts.values()) if (state === 'published') reached.add(host);
  }

  /** A log of controllers has it now. */
  logged(host: string, value: string): readonly string[] {
    const rollout = this.#of(value);
    if (rollout?.state === 'ROLLED_BACK')
      return [`${host} has ${briefly(value)}, though rollout ${rollout.id} went back`];
    if (rollout === undefined || rollout.state === 'DONE') return [];
    if (rollout.hosts.get(host)?.state === 'published') return [];
    return [`${host} has ${briefly(value)}, and rollout ${rollout.id} has not reached it`];
  }

  /** A host has it, in its set or in its kernel: it may have been told before the rollout went back. */
  held(host: string, value: string): readonly string[] {
    const rollout = this.#of(value);
    if (rollout === undefined || rollout.state === 'DONE' || this.#reached.get(rollout.id)?.has(host)) return [];
    return [`${host} holds ${briefly(value)}, and rollout ${rollout.id} never reached it`];
  }

  /** What hosts may still have of a rollout that went back. */
  hasOf(id: string, values: Iterable<string>): boolean {
    return [...values].some((value) => this.#owners.get(versionOf(value)) === id);
  }

  /** Those that are under way. */
  get active(): readonly Rollout[] {
    return [...this.#rollouts.values()].filter(isActive);
  }

  get all(): Look['rollouts'] {
    return this.#rollouts;
  }

  #of(value: string): Rollout | undefined {
    return this.#rollouts.get(this.#owners.get(versionOf(value)) ?? '');
  }
}
