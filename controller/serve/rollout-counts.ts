import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import { Waker } from '../../daemon/waker.ts';
import { type CountsReply, encodeCountsRequest, MAX_COUNTED, parseCountsReply } from '../../protocol/counts.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { Counted } from '../model/counted.ts';
import type { Bus, Counting, Watched } from '../ports.ts';
import { HostCounts } from './host-counts.ts';

/** So often it is looked who is to be asked. */
const LOOK_EVERY_MS = 250;
/** Permissions change seldom, and the client logs each refusal. */
const REFUSED_MS = 60_000;
/** Hosts that are asked at the same time. */
const MAX_ASKED = 32;
/** Redirects that all hosts of a rollout together are asked for in one round; the others have their turn in the next ones. */
const KEYS_A_ROUND = 10_000;
const FEWEST_KEYS = 20;

interface CountsParts {
  readonly bus: Pick<Bus, 'request' | 'connected'>;
  readonly subjects: Subjects;
  readonly clock: Pick<Clock, 'monotonicMs' | 'delay'>;
  readonly log: Log;
}

/** One host, asked for one rollout. */
interface Asked {
  watched: Watched;
  counts: HostCounts | undefined;
  /** Where its turn of redirects begins. */
  from: number;
  dueMs: number;
  isAsked: boolean;
}

interface Round {
  everyMs: number;
  readonly hosts: Map<string, Asked>;
}

/**
 * Asks hosts for their counts as long as rollouts want to know them, and keeps what they tell: in memory alone, of each controller
 * for itself. Who does not answer tells nothing, and is asked again.
 */
export class RolloutCounts implements Counting {
  readonly #parts: CountsParts;
  readonly #rounds = new Map<string, Round>();
  readonly #asking = new Set<Promise<void>>();
  readonly #waker = new Waker();
  /** Until then nobody is asked, for the bus did not let us; undefined where it never refused. Monotonic. */
  #refusedUntilMs: number | undefined;

  constructor(parts: CountsParts) {
    this.#parts = parts;
  }

  get rollouts(): Iterable<string> {
    return this.#rounds.keys();
  }

  watch(rollout: string, hosts: readonly Watched[], everyMs: number): void {
    const before = this.#rounds.get(rollout);
    const nowMs = this.#parts.clock.monotonicMs();
    const asked = hosts.map((watched): readonly [string, Asked] => {
      const known = before?.hosts.get(watched.host);
      if (known === undefined || known.watched.rev !== watched.rev)
        return [watched.host, { watched, counts: undefined, from: 0, dueMs: nowMs, isAsked: false }];
      known.watched = watched;
      return [watched.host, known];
    });
    this.#rounds.set(rollout, { everyMs, hosts: new Map(asked) });
  }

  forget(rollout: string): void {
    this.#rounds.delete(rollout);
  }

  of(rollout: string, host: string): Counted | undefined {
    const asked = this.#rounds.get(rollout)?.hosts.get(host);
    const counted = asked?.counts?.at(this.#parts.clock.monotonicMs(), asked.watched.keys);
    return counted === undefined || asked?.watched.isAll ? counted : { ...counted, undone: null };
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        for (const round of this.#rounds.values()) this.#ask(round, signal);
        await this.#waker.sleep(this.#parts.clock.delay, LOOK_EVERY_MS, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await Promise.all(this.#asking);
    }
  }

  /** Asks those whose turn it is, as far as there is room. */
  #ask({ everyMs, hosts }: Round, signal: AbortSignal): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs < (this.#refusedUntilMs ?? 0)) return;
    const most = Math.min(MAX_COUNTED, Math.max(FEWEST_KEYS, Math.floor(KEYS_A_ROUND / hosts.size)));
    for (const asked of hosts.values()) {
      if (this.#asking.size >= MAX_ASKED || !this.#parts.bus.connected) return;
      if (asked.isAsked || asked.dueMs > nowMs || asked.watched.keys.size === 0) continue;
      asked.dueMs = nowMs + everyMs;
      const asking = this.#askHost(asked, most, signal).finally(() => {
        if (this.#asking.size === MAX_ASKED) this.#waker.wake();
        this.#asking.delete(asking);
      });
      this.#asking.add(asking);
    }
  }

  async #askHost(asked: Asked, most: number, signal: AbortSignal): Promise<void> {
    const { bus, subjects } = this.#parts;
    const { host } = asked.watched;
    asked.isAsked = true;
    try {
      const request = encodeCountsRequest({ v: 1, keys: nextKeys(asked, most) });
      this.#take(asked, await bus.request(subjects.ask(host, 'counts'), request, signal));
    } catch (error) {
      this.#note(error, host);
    } finally {
      asked.isAsked = false;
    }
  }

  /** That a host is away, others tell; that we may not ask, nobody else does, and it says so once. */
  #note(error: unknown, host: string): void {
    const { log, clock } = this.#parts;
    if ((error as { readonly code?: unknown }).code !== 'NOT_ALLOWED') {
      log.debug({ error, host }, 'rollout: a host did not tell its counts');
      return;
    }
    if (this.#refusedUntilMs === undefined)
      log.warn({ error, host }, 'rollout: the bus does not let us ask hosts for their counts, so gates know nothing');
    this.#refusedUntilMs = clock.monotonicMs() + REFUSED_MS;
  }

  #take(asked: Asked, bytes: Uint8Array): void {
    const nowMs = this.#parts.clock.monotonicMs();
    const reply = readReply(bytes, asked.watched.host);
    asked.counts ??= new HostCounts(nowMs);
    if (typeof reply === 'string') asked.counts.answered(reply, nowMs);
    else asked.counts.take(reply, asked.watched.keys, nowMs);
  }
}

/** The next of its redirects; the first ones again after the last. */
function nextKeys(asked: Asked, most: number): readonly string[] {
  const keys = [...asked.watched.keys.keys()];
  const from = asked.from < keys.length ? asked.from : 0;
  asked.from = from + most;
  return keys.slice(from, from + most);
}

/** What was told, or why it says nothing, in words. Errors: Refused, where it is no answer of this host. */
function readReply(bytes: Uint8Array, host: string): CountsReply | string {
  const reply = parseCountsReply(bytes, host);
  if (!('error' in reply)) return reply;
  if (reply.error.code === 'UNKNOWN_VERB') return 'has an agent that does not tell counts';
  return `does not tell its counts: ${reply.error.code}`;
}
