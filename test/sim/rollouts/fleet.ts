import { SeededClock } from '../seeded-clock.ts';
import { World } from '../world.ts';
import { LightHost } from './host.ts';
import { Judge } from './judge.ts';
import { Operator } from './operator.ts';
import { breaks } from './own-guard.ts';
import { Pair } from './pair.ts';
import { Carrier } from './weather.ts';

const CAN = ['idle', 'confirm', 'permit'];
/** What cuts a host off is taken back by the host: so late at most, for that is the longest that somebody has to confirm it. */
const CUT_OFF_MS = 61_000;

/** Hosts that are made up, two controllers, their database, a bus and a clock; and who looks that all is as it must be. */
export class Fleet {
  readonly world: World;
  readonly carrier: Carrier;
  readonly pair: Pair;
  readonly judge: Judge;
  readonly operator: Operator;
  readonly hosts = new Map<string, LightHost>();
  /** Hosts tell what their packets do. */
  tells = false;

  private constructor(world: World, seed: number) {
    this.world = world;
    const { bus } = world;
    this.carrier = new Carrier(seed, bus.subjects, (host) => this.hosts.get(host)?.ways ?? 'none');
    bus.carry = (message) => this.carrier.carry(message);
    this.pair = new Pair(world);
    this.judge = new Judge(world, this.hosts, () => this.pair.awakeMs());
    bus.onArrival = ({ subject, data }) => {
      if (subject.includes('.status.')) this.judge.heard(data, bus.subjects.hostOf(subject));
    };
    this.operator = new Operator(world);
  }

  static async make(seed: number): Promise<Fleet> {
    const fleet = new Fleet(await World.make(new SeededClock(seed)), seed);
    await fleet.world.passing(fleet.pair.spare());
    return fleet;
  }

  /** A host of that number: there was one, or there is now, which does not run yet. */
  host(number: number): LightHost {
    const name = `h${number}`;
    const known = this.hosts.get(name);
    if (known !== undefined) return known;
    const bent = { labels: { role: number % 3 === 2 ? 'core' : 'edge' }, can: CAN, ways: 'none', applyMs: 0 } as const;
    const host = new LightHost(name, this.world, {
      ...bent,
      isBlocked: false,
      isBypassed: false,
      lie: undefined,
      cutsAfterMs: (number % 3) * 2_000,
      guard: 'open',
    });
    host.tells = this.tells;
    host.onHold = (value) => this.judge.held(name, value);
    this.hosts.set(name, host);
    return host;
  }

  /** Lets time pass; who died is buried. */
  async pass(delayMs: number): Promise<void> {
    await this.world.clock.pass(delayMs);
    this.pair.bury();
    this.pair.awakeMs();
    for (const host of this.hosts.values()) {
      host.passed();
      const isJudged = host.isDone && host.bent.lie !== 'done';
      if (isJudged && [...host.kernel.values()].some((value) => breaks(host.bent.guard, value)))
        this.judge.wrong.push(`${host.name} has what its guard denies`);
      if (host.cutOffMs > CUT_OFF_MS) this.judge.wrong.push(`${host.name} is cut off for ${host.cutOffMs} ms`);
    }
  }

  async end(): Promise<void> {
    for (const host of this.hosts.values()) host.kill();
    this.pair.end();
    await this.world.clock.pass(0);
    await this.world.database.close();
  }
}
