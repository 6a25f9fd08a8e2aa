import { checkQuiet } from './check.ts';
import type { FleetCheck } from './fleet-check.ts';
import type { Host } from './host.ts';
import type { Operator } from './operator.ts';
import type { Oracle } from './oracle.ts';
import { HOSTS, type HostName } from './schedule.ts';
import type { World } from './world.ts';

/**
 * Longer than a read-back and two syncs, and than the word of an agent that ended may be on its way and count, where nobody knows
 * of it any more: what does not hold by then does not hold.
 */
const QUIET_MS = 120_000;
/**
 * So much longer where somebody undoes repairs, of which each is found within a minute, and which is said until two minutes without
 * him were seen, or where a disk refuses what is tried ever less often.
 */
const LONGER_MS = 240_000;
const LONGEST_MS = 720_000;
const LONGER_FOR: readonly string[] = ['FOREIGN_WRITER', 'STORE_UNWRITABLE'];
/** Whatever was late has come by then. */
const LOOK_EVERY_MS = 20_000;

interface QuietParts {
  readonly world: World;
  readonly hosts: ReadonlyMap<HostName, Host>;
  readonly oracle: Oracle;
  readonly fleet: FleetCheck;
  readonly operator: Operator;
  readonly pass: (delayMs: number) => Promise<void>;
}

/** What has to hold once everything works again and has had its time. */
export class Quiet {
  readonly #parts: QuietParts;
  /** What no time mends. */
  readonly #impossible: string[] = [];

  constructor(parts: QuietParts) {
    this.#parts = parts;
  }

  /** Lets time pass until all is as it was asked for; answers what is not. */
  async settle(mayBeHeld: boolean): Promise<readonly string[]> {
    let wrong: readonly string[] = ['it was never looked at'];
    let mostMs = QUIET_MS;
    for (let waitedMs = 0; waitedMs < mostMs && wrong.length > 0; waitedMs += LOOK_EVERY_MS) {
      if (this.#takesLonger) mostMs = Math.min(waitedMs + LONGER_MS, LONGEST_MS);
      await this.#parts.pass(LOOK_EVERY_MS);
      wrong = await this.#look(mayBeHeld);
      this.#letGo();
    }
    return wrong;
  }

  /** Somebody reads that the brake withholds what was asked for. */
  #letGo(): void {
    const { fleet, hosts, operator, world } = this.#parts;
    for (const [name, host] of hosts)
      if (world.statuses.get(name)?.brake !== undefined && fleet.mayBrake(host)) operator.release(name);
  }

  get #takesLonger(): boolean {
    if (this.#parts.hosts.values().some(({ rival }) => rival.fights)) return true;
    const said = [...this.#parts.world.statuses.values()].flatMap(({ problems = [] }) => problems);
    return said.some(({ code }) => LONGER_FOR.includes(code));
  }

  /** Who is held has lost nothing; then somebody decides, and all is as it was asked for. */
  async mend(): Promise<readonly string[]> {
    const { fleet, operator, world } = this.#parts;
    fleet.decreed(HOSTS);
    await world.passing(operator.recover());
    if ((await this.settle(false)).length === 0) return [];
    // What a host claims that lost its store stands in no status: it is told by name.
    for (const name of HOSTS) operator.resync(name);
    return this.settle(false);
  }

  async #look(mayBeHeld: boolean): Promise<readonly string[]> {
    const { world, hosts, oracle } = this.#parts;
    const { desk } = world.controller.ports;
    world.database.busy = 0; // nobody has it for himself for so long
    const { items } = await world.passing(desk.get({ v: 1 }, 500_000));
    const specs = items.map(({ spec }) => spec);
    const { items: known } = await world.passing(desk.hosts({ v: 1 }, 500_000));
    const nowMs = world.clock.nowMs();
    const wrong = [...hosts].flatMap(([name, host]) => {
      const status = world.statuses.get(name);
      const listed = known.find((it) => it.host === name);
      return checkQuiet(host, { name, status, listed, specs, nowMs, mayBeHeld });
    });
    this.#impossible.push(...oracle.settle(specs));
    return [...this.#impossible, ...wrong];
  }
}
