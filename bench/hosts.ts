import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type NatsConnection } from 'nats';
import { StatusPublisher } from '../agent/bus/status.ts';
import { Intake } from '../agent/follow/intake.ts';
import type { Footing } from '../agent/model/footing.ts';
import type { Acceptance, Candidate } from '../agent/model/stored.ts';
import type { Bus } from '../agent/ports.ts';
import { BusError } from '../bus/error.ts';
import { makeSystemClock } from '../daemon/clock.ts';
import type { Log } from '../daemon/log.ts';
import { NO_CURSOR } from '../protocol/cursor.ts';
import { addDigest, EMPTY_DIGEST, elementDigest, removeDigest } from '../protocol/digest.ts';
import { intentBody } from '../protocol/intent.ts';
import type { Status } from '../protocol/status.ts';
import { makeSubjects } from '../protocol/subjects.ts';

const FIXTURE = JSON.parse(
  readFileSync(new URL('../protocol/fixtures/status.json', import.meta.url), 'utf8'),
) as Status;
/** What the example of a status complains of. */
const WELL = {
  ...{ exceptions: [], exceptionsTotal: 0, problem: undefined, problems: undefined, undelivered: [], interfaces: [] },
  ...{ passed: [], passedTotal: undefined, idle: undefined, drifted: undefined, unconfirmed: undefined },
  ...{ unconfirmedTotal: undefined, unarmed: undefined, brake: undefined },
};
/** One host in so many has a redirect that is blocked. */
const ONE_IN = 100;
/** So many redirects have packets, on each host some of them. */
const BUSY = 900;
/** An agent tells rates of no less time than this. */
const RATES_MS = 10_000;
const ANSWER_WITHIN_MS = 5000;
/** Hosts that start together, and when the next do: who starts says and asks much. */
const STARTED_AT_ONCE = 100;
const START_EVERY_MS = 250;
/** Between so many messages that hosts look at, what came meanwhile is noted. */
const LOOKED_AT_ONCE = 16;
const EMPTY: Footing = { is: 'unproven', at: NO_CURSOR, digest: EMPTY_DIGEST, have: NO_CURSOR, why: 'EMPTY' };
const clock = makeSystemClock();
const subjects = makeSubjects();
const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} };

type Carries = Pick<Bus, 'sync' | 'publish'>;

/** An agent that follows its log as all do and does what it says in no time: its set is in memory, and there is no kernel. */
class Host {
  readonly #name: string;
  readonly #number: number;
  readonly #busy: number;
  readonly #elements = new Map<string, { readonly rev: number; readonly name: string; readonly element: bigint }>();
  readonly #intake: Intake;
  readonly #publisher: StatusPublisher;
  #stored: { readonly cursor: Candidate['cursor']; readonly digest: string } = {
    cursor: NO_CURSOR,
    digest: EMPTY_DIGEST,
  };
  readonly #end = new AbortController(); // of its own: one for all would be a list of all
  #seq = 0;
  #ratesAtMs = 0;
  #live: (bytes: Uint8Array) => void = () => {};

  constructor(name: string, number: number, busy: number, bus: Carries) {
    this.#name = name;
    this.#number = number;
    this.#busy = busy;
    this.#publisher = new StatusPublisher(() => this.#status(), bus, clock);
    this.#intake = new Intake({
      ...{ host: name, clock, log: quiet, footing: EMPTY, mark: undefined },
      store: { accept: async (candidate) => this.#accept(candidate), noteTime: async () => {} },
      boot: { now: () => ({ boot: name, ms: Math.floor(clock.monotonicMs()) }) },
      bus: {
        onLive: (handle) => {
          this.#live = handle;
        },
        onReconnect: () => {},
        sync: (request, signal) => bus.sync(request, signal),
      },
      reconciling: {
        ...{ judge: () => ({}), accepted: async () => {}, held: () => {}, again: () => {}, heard: () => {} },
        ...{ marked: async () => {}, release: async () => 0 },
      },
      outbox: { changed: () => this.#publisher.changed(), event: () => {} },
    });
  }

  /** It was told all that its log had. */
  get follows(): boolean {
    return this.#stored.cursor.epoch !== '';
  }

  receive(bytes: Uint8Array): void {
    this.#live(bytes);
  }

  /** Until `end` is called. */
  async run(): Promise<void> {
    const { signal } = this.#end;
    await Promise.all([this.#publisher.run(signal), this.#intake.run(signal)]);
  }

  end(): void {
    this.#end.abort();
  }

  #accept({ base, changes, cursor, digest }: Candidate): Acceptance {
    if (base === 'empty') this.#elements.clear();
    let now = base === 'empty' ? EMPTY_DIGEST : this.#stored.digest;
    for (const change of changes) {
      const { key, rev } = change;
      const old = this.#elements.get(key);
      if (old !== undefined) now = removeDigest(now, old.element);
      this.#elements.delete(key);
      if (change.op === 'delete') continue;
      const element = elementDigest(key, rev, intentBody(change));
      this.#elements.set(key, { rev, name: change.name, element });
      now = addDigest(now, element);
    }
    if (now !== digest) throw new Error(`${this.#name}: the digest of ${cursor.rev} does not fit`);
    this.#stored = { cursor, digest };
    return { outcome: 'accepted', seq: this.#seq, whole: base === 'empty', put: [], removed: [] };
  }

  #status(): Status {
    this.#seq += 1;
    const { cursor, digest } = this.#stored;
    const { epoch, rev } = cursor;
    const exceptions = this.#number % ONE_IN === 0 ? this.#blocked() : [];
    const [desired, blocked] = [this.#elements.size, exceptions.length];
    const counts = { desired, installed: desired - blocked, idle: 0, expired: 0, blocked, denied: 0, failed: 0 };
    const said = {
      ...{ ...FIXTURE, ...WELL, rates: this.#rates(), host: this.#name, at: Date.now(), seq: this.#seq },
      ...{ epoch, stored: rev, applied: rev, verified: rev, digest, confirmed: undefined, permit: undefined },
      ...{ exceptions, exceptionsTotal: blocked, counts, labels: { role: 'edge' } },
    };
    return said as unknown as Status; // whoever encodes it reads it
  }

  #blocked(): readonly object[] {
    const [first] = this.#elements;
    if (first === undefined) return [];
    const [key, { rev, name }] = first;
    return [{ key, name, rev, state: 'blocked', code: 'NO_NEIGHBOUR' }];
  }

  /** What the first one says of packets is what all of the next seconds are measured by. */
  #rates(): object | undefined {
    const nowMs = performance.now();
    if (this.#busy === 0 || nowMs - this.#ratesAtMs < RATES_MS) return undefined;
    this.#ratesAtMs = nowMs;
    const first = this.#seq * this.#busy + this.#number;
    const busiest = Array.from({ length: this.#busy }, (_, n) => busy((first + n) % BUSY));
    return { ...FIXTURE.rates, busiest };
  }
}

/** What a host says of a redirect that has packets. */
function busy(n: number): object {
  return { name: `redirect-${n}`, packets: 1_000 + n, bytes: 64_000 + n };
}

/**
 * Many hosts on one connection. When a message came is noted before any host looks at it: one after the other they do what
 * as many machines do at a time, and how long they take for that is told.
 */
export class Hosts implements AsyncDisposable {
  readonly #nats: NatsConnection;
  readonly #hosts = new Map<string, Host>();
  readonly #answers = new Map<string, (bytes: Uint8Array) => void>();
  #asked = 0;
  #waiting: { readonly host: string; readonly data: Uint8Array }[] = [];
  #cameAtMs = 0;
  #came = 0;
  #bytes = 0;
  #statuses = 0;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(nats: NatsConnection, count: number, busy: number) {
    this.#nats = nats;
    for (let number = 0; number < count; number += 1) {
      const name = `edge-${number}`;
      this.#hosts.set(name, new Host(name, number, busy, this.#carries(name)));
    }
  }

  /** So many hosts that say on how many redirects they have packets, and go on by themselves. */
  static async open(url: string, count: number, busy: number): Promise<Hosts> {
    const hosts = new Hosts(await connect({ servers: url }), count, busy);
    await hosts.#listen();
    const running: Promise<void>[] = [];
    for (const host of hosts.#hosts.values()) {
      running.push(host.run());
      if (running.length % STARTED_AT_ONCE === 0) await delay(START_EVERY_MS);
    }
    hosts.#running = Promise.all(running);
    hosts.#running.catch(() => {}); // it is thrown at the end
    return hosts;
  }

  /** How many messages came so far, when the last of them did, and its bytes. */
  get heard(): { readonly messages: number; readonly lastMs: number; readonly bytes: number } {
    return { messages: this.#came, lastMs: this.#cameAtMs, bytes: this.#bytes };
  }

  /** How many statuses and syncs they said so far. */
  get said(): { readonly statuses: number; readonly syncs: number } {
    return { statuses: this.#statuses, syncs: this.#asked };
  }

  /** Whether each of them was told all that its log had. */
  get follow(): boolean {
    return this.#hosts.values().every((host) => host.follows);
  }

  async #listen(): Promise<void> {
    const [any] = this.#hosts.keys();
    const live = subjects.live(any ?? '').replace(any ?? '', '*');
    this.#nats.subscribe(live, {
      callback: (_, { subject, data }) => {
        this.#came += 1;
        this.#cameAtMs = performance.now();
        this.#bytes = data.length;
        this.#waiting.push({ host: subjects.hostOf(subject) ?? '', data });
        if (this.#waiting.length === 1) setImmediate(() => this.#handOut());
      },
    });
    const inbox = `${subjects.inbox(any ?? '').replace(any ?? '', '*')}.*`;
    this.#nats.subscribe(inbox, { callback: (_, { subject, data }) => this.#answers.get(subject)?.(data) });
    await this.#nats.flush();
  }

  #handOut(): void {
    for (const { host, data } of this.#waiting.splice(0, LOOKED_AT_ONCE)) this.#hosts.get(host)?.receive(data);
    if (this.#waiting.length > 0) setImmediate(() => this.#handOut());
  }

  #carries(host: string): Carries {
    return {
      publish: (_, bytes) => {
        this.#statuses += 1;
        this.#nats.publish(subjects.status(host), bytes);
      },
      sync: (request, signal) => this.#ask(host, request, signal),
    };
  }

  async #ask(host: string, request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    this.#asked += 1;
    const reply = `${subjects.inbox(host)}.${this.#asked}`;
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const over = (): void => reject(new BusError('TIMEOUT', `sync of ${host}`, 'no answer'));
    const timer = setTimeout(over, ANSWER_WITHIN_MS);
    signal.addEventListener('abort', over, { once: true });
    this.#answers.set(reply, resolve);
    this.#nats.publish(subjects.sync(host), request, { reply });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      this.#answers.delete(reply);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.#hosts.values()) host.end();
    await this.#running;
    await this.#nats.drain();
  }
}
