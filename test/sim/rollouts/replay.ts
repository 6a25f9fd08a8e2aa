import { encodeCountsReply, parseCountsRequest } from '../../../protocol/counts.ts';
import { Fleet } from './fleet.ts';
import type { LightHost } from './host.ts';
import type { Rollout } from './look.ts';
import { hopOf, type Kind } from './value.ts';

const LOGS_EVERY = 50;
const LOOK_EVERY_MS = 50;
const WITHIN_MS = 1_200_000;
const ASK_AGAIN = 20;

/** A redirect of these replays. Each has a version of its own. */
export interface Wanted {
  readonly name: string;
  readonly dst: string;
  readonly priority?: number;
  readonly kind?: Kind;
  readonly hosts?: unknown;
}

/** What packets do that meet what a rollout brought. */
export interface Packets {
  /** By now, on each host that has it. */
  met: number;
  /** Of these, so many died on their way out. */
  lost: number;
}

/** How far controllers and each host have come: its log, its store and its kernel. */
export interface Touch {
  readonly log: number;
  readonly store: number;
  readonly kernel: string;
}

/** Many made-up hosts to which happens what happened to others. Time is of a clock that is told. */
export class Replay {
  readonly fleet: Fleet;
  /** Undefined: no host tells what packets do. */
  packets: Packets | undefined;
  #versions = 0;
  #uploads = 0;

  private constructor(fleet: Fleet) {
    this.fleet = fleet;
    fleet.judge.logsEvery = LOGS_EVERY;
  }

  static async open(hosts: number): Promise<Replay> {
    const replay = new Replay(await Fleet.make(1));
    const { bus, clock } = replay.fleet.world;
    bus.choose = (members) => Math.floor(clock.random() * members);
    for (let number = 0; number < hosts; number += 1) {
      const host = replay.fleet.host(number);
      host.onAsk = (verb, bytes) => replay.#counts(host, verb, bytes);
      host.start();
    }
    await replay.until('all hosts are heard', () => replay.fleet.judge.look.hosts.size === hosts);
    return replay;
  }

  get nowMs(): number {
    return this.fleet.world.clock.monotonicMs();
  }

  get newest(): Rollout | undefined {
    return [...this.fleet.judge.look.rollouts.values()].at(-1);
  }

  /** Hosts that a rollout has told of the change by now. */
  get told(): readonly LightHost[] {
    const told = [...(this.newest?.hosts.values() ?? [])].filter(({ state }) => state === 'published');
    return told.flatMap(({ host }) => this.fleet.hosts.get(host) ?? []);
  }

  specs(wanted: readonly Wanted[]): readonly object[] {
    return wanted.map(({ name, dst, priority = 0, kind = 'plain', hosts = 'all' }) => {
      this.#versions += 1;
      const to = { nexthop: hopOf(this.#versions, kind) };
      return { name, hosts, match: { dst, proto: 'udp', dport: 443 }, to, priority };
    });
  }

  upload(specs: readonly object[], more: object = {}): object {
    this.#uploads += 1;
    return { v: 1, upload: `replay-${this.#uploads}`, part: 0, parts: 1, specs, ...more };
  }

  /** Asks controllers, again where one that sleeps does not answer, and answers the code of a refusal, or `done`. */
  async ask(verb: string, request: object): Promise<string> {
    const { error } = (await this.reply(verb, request)) as { readonly error?: { readonly code: string } };
    return error?.code ?? 'done';
  }

  async reply(verb: string, request: object): Promise<unknown> {
    const { world } = this.fleet;
    const bytes = new TextEncoder().encode(JSON.stringify(request));
    for (let left = ASK_AGAIN; left > 0; left -= 1) {
      const answer = await world.passing(world.api(verb, bytes)).catch(() => undefined);
      if (answer !== undefined) return JSON.parse(Buffer.from(answer).toString());
    }
    throw new Error(`nobody answers ${verb}`);
  }

  /** Lets time pass until something is so, and answers how long that took. */
  async until(what: string, isSo: () => boolean): Promise<number> {
    const { judge } = this.fleet;
    const fromMs = this.nowMs;
    while (!isSo()) {
      if (judge.wrong.length > 0) throw new Error(`${what}: ${judge.wrong.slice(0, 3).join('; ')}`);
      if (this.nowMs - fromMs > WITHIN_MS) throw new Error(`not so: ${what}; ${JSON.stringify(this.newest?.state)}`);
      await this.fleet.pass(LOOK_EVERY_MS);
    }
    return this.nowMs - fromMs;
  }

  touch(hosts: Iterable<LightHost> = this.fleet.hosts.values()): ReadonlyMap<string, Touch> {
    const { look } = this.fleet.judge;
    return new Map(
      Array.from(hosts, ({ name, disk, kernel }) => {
        const stands = [...kernel].map(([key, value]) => `${key} ${value}`).toSorted();
        return [name, { log: look.heads.get(name) ?? 0, store: disk.cursor.rev, kernel: stands.join() }];
      }),
    );
  }

  /** What every kernel has by now: as one text where all have the same. */
  get stands(): string {
    return [...new Set([...this.touch().values()].map(({ kernel }) => kernel))].join(' | ');
  }

  /** Everything that must not be, by the end. */
  async end(): Promise<readonly string[]> {
    const { judge } = this.fleet;
    judge.wrong.push(...judge.checkLogs());
    await this.fleet.end();
    return judge.wrong;
  }

  async #counts(host: LightHost, verb: string, bytes: Uint8Array): Promise<Uint8Array> {
    const { packets, nowMs } = this;
    if (verb !== 'counts' || packets === undefined || !host.runs) return await new Promise(() => {});
    const { keys } = parseCountsRequest(bytes);
    const has = this.told.includes(host);
    const [met, lost] = [has ? packets.met : 0, has ? packets.lost : 0].map(String);
    const items = keys.flatMap((key) => {
      const held = host.disk.set.get(key);
      if (held === undefined) return [];
      const { name, rev } = held;
      const counts = { counting: 'one', packets: `${met}`, bytes: `${met}`, seenMsAgo: has ? 1 : null, passed: {} };
      return [{ key, name, rev, state: 'installed' as const, ...counts }];
    });
    return encodeCountsReply({
      ...{ v: 1, host: host.name, boot: host.boot, counterEpoch: 'one', at: this.fleet.world.clock.nowMs() },
      ...{ monotonicMs: Math.floor(nowMs), items, absent: keys.filter((key) => !host.disk.set.has(key)) },
      ...{ verdicts: { SENT: `${met}` }, losses: [], lost: `${lost}`, unwatched: [] },
    });
  }
}
