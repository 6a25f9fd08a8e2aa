import type { NatsConnection } from 'nats';
import { encodeCountsReply, parseCountsRequest } from '../../protocol/counts.ts';
import { type Cursor, NO_CURSOR } from '../../protocol/cursor.ts';
import type { Put } from '../../protocol/intent.ts';
import { encodeSyncRequest, parsePageReply } from '../../protocol/page.ts';
import { type Exception, encodeStatus, type Status } from '../../protocol/status.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { status } from '../unit/controller/fleet.ts';

const subjects = makeSubjects();
const SAYS_EVERY_MS = 200;
const LOOKS_EVERY_MS = 500;
const ATTACHED = { name: 'eth0', ifindex: 2, mode: 'native', zone: 1, up: true, attached: true } as const;

/** What its packets do: how many a second meet each redirect, and which share of them dies when they are sent to a next hop. */
export interface Packets {
  readonly perSecond: number;
  readonly dead?: { readonly nexthop: string; readonly share: number };
}

/** A host on the bus that takes what it is told at once, says so, and counts packets that nobody sent. */
export class MadeUpHost implements Disposable {
  readonly host: string;
  readonly puts = new Map<string, Put>();
  packets: Packets;
  /** It neither speaks nor answers. */
  isSilent = false;
  /** What it says is wrong. */
  exceptions: readonly Exception[] = [];
  readonly #nats: NatsConnection;
  readonly #counted = new Map<string, number>();
  readonly #timers: NodeJS.Timeout[];
  #cursor: Cursor = NO_CURSOR;
  #sent = 0;
  #lost = 0;
  #countedAtMs = performance.now();

  constructor(nats: NatsConnection, host: string, packets: Packets) {
    this.#nats = nats;
    this.host = host;
    this.packets = packets;
    nats.subscribe(subjects.live(host), { callback: () => void this.look() });
    nats.subscribe(subjects.ask(host, 'counts'), {
      callback: (_, message) => {
        if (!this.isSilent) message.respond(this.#counts(parseCountsRequest(message.data).keys));
      },
    });
    const every = (ms: number, act: () => void) => setInterval(act, ms);
    this.#timers = [every(SAYS_EVERY_MS, () => this.#say()), every(LOOKS_EVERY_MS, () => void this.look())];
    this.#say();
  }

  /** How far it is. */
  get rev(): number {
    return this.#cursor.rev;
  }

  /** Asks for what is new; nobody who answers is no fault of a host. */
  async look(): Promise<void> {
    if (this.isSilent || this.#nats.isClosed()) return;
    const { host } = this;
    const request = encodeSyncRequest({ v: 1, host, have: this.#cursor, from: this.#cursor });
    const answer = await this.#nats.request(subjects.sync(host), request, { timeout: 60_000 }).catch(() => undefined);
    if (answer === undefined) return;
    const page = parsePageReply(answer.data);
    if ('error' in page) return;
    this.#count();
    for (const change of page.changes)
      if (change.op === 'put') this.puts.set(change.key, change);
      else this.puts.delete(change.key);
    this.#cursor = { epoch: page.epoch, rev: page.rev };
    this.#say();
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  #say(): void {
    if (this.isSilent || this.#nats.isClosed()) return;
    const { epoch, rev } = this.#cursor;
    const levels = { epoch, stored: rev, applied: rev, verified: rev };
    const { exceptions } = this;
    const own = { exceptions, exceptionsTotal: exceptions.length };
    const troubles = { ...own, passed: undefined, undelivered: undefined, unarmed: undefined };
    const more = { ...levels, ...troubles, labels: { role: 'edge' }, interfaces: [ATTACHED], boot: this.#boot };
    const said: Status = { ...status(this.host), ...(more as object) };
    const { problem: _, problems: __, bypass: ___, guard: ____, brake: _____, ...well } = said;
    this.#nats.publish(subjects.status(this.host), encodeStatus({ ...well, guard: null }));
  }

  get #boot(): string {
    return `boot-of-${this.host}`;
  }

  #count(): void {
    const nowMs = performance.now();
    const { perSecond, dead } = this.packets;
    const more = (perSecond * (nowMs - this.#countedAtMs)) / 1000;
    this.#countedAtMs = nowMs;
    for (const { key, to } of this.puts.values()) {
      this.#counted.set(key, (this.#counted.get(key) ?? 0) + more);
      this.#sent += more;
      if (typeof to === 'object' && 'nexthop' in to && to.nexthop === dead?.nexthop) this.#lost += more * dead.share;
    }
  }

  #counts(keys: readonly string[]): Uint8Array {
    this.#count();
    const text = (count: number): string => String(Math.floor(count));
    const items = keys.flatMap((key) => {
      const put = this.puts.get(key);
      const packets = text(this.#counted.get(key) ?? 0);
      if (put === undefined) return [];
      const { name, rev } = put;
      const counting = {
        state: 'installed',
        counting: 'one',
        packets,
        bytes: packets,
        seenMsAgo: 1,
        passed: {},
      } as const;
      return [{ key, name, rev, ...counting }];
    });
    return encodeCountsReply({
      ...{ v: 1, host: this.host, boot: this.#boot, counterEpoch: 'one', at: 1e12 },
      ...{ monotonicMs: Math.floor(performance.now()), items, absent: keys.filter((key) => !this.puts.has(key)) },
      ...{ verdicts: { SENT: text(this.#sent) }, losses: [], lost: text(this.#lost), unwatched: [] },
    });
  }
}
