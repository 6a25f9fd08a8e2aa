import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import { Waker } from '../../daemon/waker.ts';
import { listBudgetBytes } from '../../protocol/json.ts';
import { Refused } from '../../protocol/refused.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { encodeUpdate, type Update } from '../../protocol/update.ts';
import type { Bus, Logs, Moved, NewsOfLogs } from '../ports.ts';

/** How often the database is asked for what other controllers committed. */
const POLL_MS = 1000;
/** Updates that may wait for the server at a time, and the changes after which they do. */
const UPDATES_A_FLUSH = 64;
const CHANGES_A_FLUSH = 4096;

interface PublisherParts {
  readonly logs: Pick<Logs, 'movedAfter' | 'together'>;
  readonly bus: Pick<Bus, 'connected' | 'maxPayloadBytes' | 'publish' | 'flush' | 'onConnect'>;
  readonly subjects: Subjects;
  readonly clock: Pick<Clock, 'delay'>;
  readonly log: Log;
}

/** A host with something new: its log, which came so far, or marks, or both. */
interface News {
  readonly host: string;
  readonly rev: number | undefined;
  readonly isMarked: boolean;
}

/** What such a host is told, or why its log cannot be read as what it should be. */
interface Told extends News {
  readonly said: Update | Refused | undefined;
}

/**
 * Pushes to each host what is new in its log. It looks at the database, never at what a caller tells it, so wake-ups
 * coalesce, and commits of other controllers go out too. What is lost on the way, hosts find by their own sync.
 */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #published: Map<string, number>;
  readonly #waker = new Waker();
  #rev: number;
  /** How far marks were counted that were sent. */
  #marks: number;

  private constructor(parts: PublisherParts, { rev, marks, heads }: Moved) {
    this.#parts = parts;
    this.#rev = rev;
    this.#marks = marks;
    this.#published = new Map(heads.map((head) => [head.host, head.rev]));
  }

  /** Begins with what the logs hold now: that is for syncs. Errors: StoreError. */
  static async begin(parts: PublisherParts): Promise<Publisher> {
    const publisher = new Publisher(parts, await parts.logs.movedAfter(0));
    parts.bus.onConnect(() => publisher.wake());
    return publisher;
  }

  /** Says that there may be something new. */
  wake(): void {
    this.#waker.wake();
  }

  /** Pushes until the signal aborts, and then once more: what was committed by then is not left to a sync. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await this.#tryPass();
        await this.#waker.sleep(this.#parts.clock.delay, POLL_MS, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    await this.#tryPass();
  }

  async #tryPass(): Promise<void> {
    try {
      await this.#pass();
    } catch (error) {
      this.#parts.log.error({ error }, 'publisher: a pass failed; the next poll tries again');
    }
  }

  async #pass(): Promise<void> {
    const { logs, bus } = this.#parts;
    if (!bus.connected) return;
    const { moved, news, told } = await logs.together(async (now) => {
      const moved = await now.movedAfter(this.#rev, this.#marks);
      const news = newsOf(moved);
      return { moved, news, told: await this.#read(now, news) };
    });
    this.#publish(told);
    for (let at = told.length; at < news.length; ) {
      await bus.flush();
      const more = await logs.together((now) => this.#read(now, news.slice(at)));
      this.#publish(more);
      at += more.length;
    }
    [this.#rev, this.#marks] = [moved.rev, moved.marks];
  }

  /** What the first of some hosts are told, as many as may wait for the server at a time. */
  async #read(now: NewsOfLogs, news: readonly News[]): Promise<readonly Told[]> {
    const budgetBytes = listBudgetBytes(this.#parts.bus.maxPayloadBytes);
    const told: Told[] = [];
    let changes = 0;
    for (const one of news.slice(0, UPDATES_A_FLUSH)) {
      const said = await this.#readOne(now, one, budgetBytes).catch(refusalOf);
      told.push({ ...one, said });
      changes += said instanceof Refused ? 0 : (said?.changes.length ?? 0);
      if (changes >= CHANGES_A_FLUSH) break;
    }
    return told;
  }

  async #readOne(now: NewsOfLogs, { host, isMarked }: News, budgetBytes: number): Promise<Update | undefined> {
    const update = await now.update(host, this.#published.get(host) ?? 0, budgetBytes);
    return update ?? (isMarked ? await now.hint(host) : undefined);
  }

  #publish(told: readonly Told[]): void {
    for (const one of told) this.#publishOne(one);
  }

  /** A log that cannot be read as what it should be is one host's trouble, and the others do not wait for it. */
  #publishOne({ host, rev, said: update }: Told): void {
    const { bus, subjects, log } = this.#parts;
    try {
      if (update instanceof Refused) throw update;
      if (update === undefined) return;
      bus.publish(subjects.live(host), encodeUpdate(update));
      this.#published.set(host, update.rev);
      log.debug({ host, ...summaryOf(update) }, 'publisher: update sent');
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (rev !== undefined) this.#published.set(host, rev);
      log.error({ error, host, rev }, 'publisher: the stored log of a host is damaged');
    }
  }
}

function refusalOf(error: unknown): Refused {
  if (error instanceof Refused) return error;
  throw error;
}

function newsOf({ heads, marked }: Moved): readonly News[] {
  const revs = new Map(heads.map((head) => [head.host, head.rev]));
  const hints = new Set(marked);
  return [...new Set([...revs.keys(), ...hints])].map((host) => {
    return { host, rev: revs.get(host), isMarked: hints.has(host) };
  });
}

function summaryOf({ epoch, prev, rev, changes }: Update): object {
  return { epoch, prev, rev, changes: changes.length };
}
