import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { connect, type Msg, type NatsConnection } from 'nats';
import { MAX_BUSIEST } from '../protocol/rates.ts';
import { encodeStatus, parseStatus } from '../protocol/status.ts';
import { makeSubjects } from '../protocol/subjects.ts';
import { parseUpdate, type Update } from '../protocol/update.ts';

const STATUS = new URL('../protocol/fixtures/status.json', import.meta.url);
/** As often as an agent speaks that has no news. */
const SPEAKS_MS = 15_000;
/** So many redirects have packets, on each host some of them. */
const BUSY = 900;
/** Nothing more is told where nothing came for so long. */
const SETTLES_MS = 5_000;
/** Statuses on their way at once. */
const AT_ONCE = 100;
/** The key of the first redirect. */
const FIRST = 'v4 udp 0.0.0.0/0:* > 203.0.0.0/32:443';
/** One host in so many has a redirect that is blocked. */
const ONE_IN = 100;
const NOTHING = { epoch: '', stored: 0, applied: 0, verified: 0 };
/** What the example of a status complains of. */
const WELL = {
  ...{ exceptions: [], exceptionsTotal: 0, problem: undefined, problems: undefined, undelivered: [], interfaces: [] },
  ...{ passed: [], passedTotal: undefined, idle: undefined, drifted: undefined },
};

/** The hosts, as far as a controller hears them. */
export class Speakers implements AsyncDisposable {
  readonly #nats: NatsConnection;
  readonly #hosts: readonly string[];
  readonly #subjects = makeSubjects();
  readonly #fixture = JSON.parse(readFileSync(STATUS, 'utf8')) as { readonly rates: object };
  readonly #end = new AbortController();
  #going: Promise<void> = Promise.resolve();
  /** Updates that came. */
  #heard = 0;
  /** Who waits until so many came. */
  #awaited = { updates: Number.POSITIVE_INFINITY, come: (): void => {} };
  /** How far each was told. */
  readonly #told = new Map<string, Update>();
  /** What each has, by its number. */
  #has: readonly object[] = [];
  #seq = 0;

  private constructor(nats: NatsConnection, hosts: readonly string[]) {
    this.#nats = nats;
    this.#hosts = hosts;
  }

  static async open(url: string, hosts: number): Promise<Speakers> {
    const names = Array.from({ length: hosts }, (_, at) => `edge-${at}`);
    const speakers = new Speakers(await connect({ servers: url }), names);
    speakers.#listen();
    return speakers;
  }

  /** Each of them has all that it was told, and one in a hundred has a redirect that is blocked. */
  async obey(redirects: number): Promise<void> {
    let heard = -1;
    while (heard < this.#heard || this.#told.size < this.#hosts.length) {
      heard = this.#heard;
      await setTimeout(SETTLES_MS);
    }
    this.#has = this.#hosts.map((host, at) => {
      const { epoch = '', rev = 0 } = this.#told.get(host) ?? {};
      const blocked = { key: FIRST, name: 'redirect-0', rev, state: 'blocked', code: 'NO_NEIGHBOUR' };
      const exceptions = at % ONE_IN === 0 ? [blocked] : [];
      const exceptionsTotal = exceptions.length;
      const counts = { desired: redirects, installed: redirects - exceptionsTotal, blocked: exceptionsTotal };
      return { epoch, stored: rev, applied: rev, verified: rev, exceptions, exceptionsTotal, counts };
    });
  }

  /** Resolves when each host has heard once more; to be called before it does. */
  hearOnceMore(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#awaited = { updates: this.#heard + this.#hosts.length, come: resolve };
    return promise;
  }

  async sayAll(everyMs = 0): Promise<void> {
    for (const [at, host] of this.#hosts.entries()) {
      this.#say(host, this.#has[at] ?? NOTHING);
      if (everyMs > 0) await setTimeout(everyMs, undefined, { signal: this.#end.signal });
      else if (at % AT_ONCE === 0) await this.#nats.flush();
    }
    await this.#nats.flush();
  }

  #listen(): void {
    const callback = (_: unknown, { data }: Msg): void => {
      const update = parseUpdate(data);
      this.#told.set(update.host, update);
      this.#heard += 1;
      if (this.#heard >= this.#awaited.updates) this.#awaited.come();
    };
    this.#nats.subscribe(this.#subjects.live('edge-0').replace('edge-0', '*'), { callback });
  }

  /** Each of them speaks again and again, one after the other. */
  goOn(): void {
    const speak = async (): Promise<void> => {
      while (!this.#end.signal.aborted) await this.sayAll(SPEAKS_MS / this.#hosts.length);
    };
    this.#going = speak().catch((error: unknown) => {
      if (!this.#end.signal.aborted) throw error;
    });
  }

  #say(host: string, has: object): void {
    this.#seq += 1;
    const none = { idle: 0, expired: 0, denied: 0, failed: 0 };
    const counts = {
      ...none,
      ...('counts' in has ? (has.counts as object) : { desired: 0, installed: 0, blocked: 0 }),
    };
    const busiest = Array.from({ length: MAX_BUSIEST }, (_, n) => busy((this.#seq * MAX_BUSIEST + n) % BUSY));
    const rates = { ...this.#fixture.rates, busiest };
    const said = { ...WELL, ...has, rates, counts, host, at: Date.now(), seq: this.#seq, labels: { role: 'edge' } };
    this.#nats.publish(this.#subjects.status(host), encodeStatus(parseStatus({ ...this.#fixture, ...said })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#going;
    await this.#nats.drain();
  }
}

/** What a host says of a redirect that has packets. */
function busy(n: number): object {
  return { name: `redirect-${n}`, packets: 1_000 + n, bytes: 64_000 + n };
}
