import { parseStatus } from '../../../protocol/status.ts';
import type { World } from '../world.ts';
import { Confirmations } from './confirmations.ts';
import { checkEnds } from './ends.ts';
import { checkHeld } from './held.ts';
import type { LightHost } from './host.ts';
import { checkLogs } from './logs.ts';
import { type Look, lookAt } from './look.ts';
import { Reach } from './reach.ts';
import { Soaks } from './soaks.ts';
import { checkStates } from './states.ts';
import { TrafficCheck } from './traffic.ts';
import { checkTruth } from './truth.ts';

/** Looks at all that controllers share after each of their transactions, and keeps what must not be. */
export class Judge {
  readonly wrong: string[] = [];
  readonly reach = new Reach();
  readonly soaks: Soaks;
  readonly #confirmations = new Confirmations();
  readonly #traffic: TrafficCheck;
  readonly #world: World;
  readonly #known: Parameters<typeof checkTruth>[2];
  /** Every so many transactions all logs are looked at: in a large fleet each time is too often. */
  logsEvery = 1;
  /** Who is called after each transaction, before anybody goes on. */
  readonly #watchers = new Set<() => void>();
  #commits = 0;
  look: Look;

  constructor(world: World, hosts: ReadonlyMap<string, LightHost>, awakeMs: () => number) {
    this.#world = world;
    this.soaks = new Soaks(awakeMs);
    this.#known = { hosts, confirmations: this.#confirmations, skipped: this.soaks.skipped };
    this.#traffic = new TrafficCheck(hosts, this.soaks.skipped);
    this.look = lookAt(world.database, world.clock.monotonicMs());
    world.database.onCommit = () => this.#committed();
  }

  /** Transactions so far. */
  get commits(): number {
    return this.#commits;
  }

  #committed(): void {
    this.#commits += 1;
    const before = this.look;
    const now = lookAt(this.#world.database, this.#world.clock.monotonicMs());
    this.look = now;
    this.wrong.push(
      ...checkStates(before, now),
      ...checkEnds(before, now),
      ...checkHeld(before, now),
      ...this.reach.committed(now),
      ...this.soaks.committed(before, now),
      ...this.#confirmations.committed(before, now),
      ...checkTruth(before, now, this.#known),
      ...this.#traffic.committed(before, now),
      ...(this.#commits % this.logsEvery === 0 ? this.checkLogs() : []),
    );
    for (const watcher of [...this.#watchers]) watcher();
  }

  /** Calls after each transaction, before anybody goes on; until what it answers is called. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  checkLogs(): readonly string[] {
    return checkLogs(this.look, new Set([...this.look.logs.keys(), ...this.look.hosts.keys()]));
  }

  /** A status came to controllers. */
  heard(data: Uint8Array, host: string | undefined): void {
    this.#confirmations.heard(parseStatus(data, host), this.#world.clock.monotonicMs());
  }

  /** A host has something, in its set or its kernel. */
  held(host: string, value: string): void {
    this.wrong.push(...this.reach.held(host, value));
  }
}
