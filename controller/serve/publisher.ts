import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import { Waker } from '../../daemon/waker.ts';
import { listBudgetBytes } from '../../protocol/json.ts';
import { Refused } from '../../protocol/refused.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { encodeUpdate, type Update } from '../../protocol/update.ts';
import type { Asked, Bus, Logs, Moved, NewsOfLogs, Written } from '../ports.ts';

/** How often the database is asked for what other controllers committed. */
const POLL_MS = 1000;
/** Hosts whose logs are read at a time. */
const HOSTS_AT_ONCE = 256;
/** So much may wait for the server at a time, in bytes. */
const BYTES_A_FLUSH = 512 * 1024;

interface PublisherParts {
  readonly logs: Pick<Logs, 'movedAfter' | 'together' | 'written'>;
  readonly bus: Pick<Bus, 'connected' | 'maxPayloadBytes' | 'publish' | 'flush' | 'onConnect'>;
  readonly subjects: Subjects;
  readonly clock: Pick<Clock, 'delay' | 'turn'>;
  readonly log: Log;
}

/** A host with something new: where it was published to, and how far its log came where that moved. */
interface News extends Asked {
  readonly head: number | undefined;
}

/** What such a host is told, or why its log cannot be read as what it should be. */
interface Told extends News {
  readonly said: Update | Refused | undefined;
}

/**
 * Pushes to each host what is new in its log. What this process has just written is told from hand where that is little and follows
 * what was told before; else it looks at the database, never at what a caller tells it, so wake-ups coalesce, and commits of other
 * controllers go out too. What is lost on the way, hosts find by their own sync.
 */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #published: Map<string, number>;
  readonly #waker = new Waker();
  #rev: number;
  /** How far marks were counted that were sent. */
  #marks: number;
  #isReading = false;

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
    const written = this.#parts.logs.written();
    if (written.length === 0 || !this.#tellAll(written)) this.#waker.wake();
  }

  /** Answers whether all of it was told; what was not is read. */
  #tellAll(written: readonly Written[]): boolean {
    try {
      return written.filter((one) => this.#follows(one) && this.#tell(one)).length === written.length;
    } catch (error) {
      this.#parts.log.error({ error }, 'publisher: what was just written was not told; it is read');
      return false;
    }
  }

  /** Nothing else is to be told before. */
  #follows({ from, updates }: Written): boolean {
    if (this.#isReading || !this.#parts.bus.connected) return false;
    if (from.rev !== this.#rev || from.marks !== this.#marks) return false;
    return updates.every(({ host, prev }) => prev === (this.#published.get(host) ?? 0));
  }

  /** Answers whether it could be told: what takes more than a message, or is not as it should be, is read. */
  #tell({ to, updates }: Written): boolean {
    const roomBytes = listBudgetBytes(this.#parts.bus.maxPayloadBytes);
    const messages = updates.map((update) => ({ update, message: encoded(update) }));
    if (messages.some(({ message }) => message === undefined || message.length > roomBytes)) return false;
    for (const { update, message } of messages) if (message !== undefined) this.#send(update, message);
    [this.#rev, this.#marks] = [to.rev, to.marks];
    return true;
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
    this.#isReading = true;
    try {
      await this.#pass();
    } catch (error) {
      this.#parts.log.error({ error }, 'publisher: a pass failed; the next poll tries again');
    }
    this.#isReading = false;
  }

  async #pass(): Promise<void> {
    const { logs, bus, clock } = this.#parts;
    if (!bus.connected) return;
    const { moved, news, told } = await logs.together(async (now) => {
      const moved = await now.movedAfter(this.#rev, this.#marks);
      const news = this.#newsOf(moved);
      return { moved, news, told: await this.#read(now, news) };
    });
    let waitingBytes = this.#publish(told);
    for (let at = told.length; at < news.length; ) {
      // What was published is on its way while the next are read.
      const sent = waitingBytes > BYTES_A_FLUSH ? bus.flush() : clock.turn();
      if (waitingBytes > BYTES_A_FLUSH) waitingBytes = 0;
      const [more] = await Promise.all([logs.together((now) => this.#read(now, news.slice(at))), sent]);
      waitingBytes += this.#publish(more);
      at += more.length;
    }
    [this.#rev, this.#marks] = [moved.rev, moved.marks];
  }

  #newsOf({ heads, marked }: Moved): readonly News[] {
    const revs = new Map(heads.map((head) => [head.host, head.rev]));
    const hints = new Set(marked);
    return [...new Set([...revs.keys(), ...hints])].map((host) => {
      return { host, rev: this.#published.get(host) ?? 0, head: revs.get(host), isMarked: hints.has(host) };
    });
  }

  /** What the first of some hosts are told. */
  async #read(now: NewsOfLogs, news: readonly News[]): Promise<readonly Told[]> {
    const first = news.slice(0, HOSTS_AT_ONCE);
    if (first.length === 0) return [];
    const said = await now.updates(first, listBudgetBytes(this.#parts.bus.maxPayloadBytes));
    return first.slice(0, said.length).map((one, at) => ({ ...one, said: said[at] }));
  }

  /** Answers how many bytes that were. */
  #publish(told: readonly Told[]): number {
    return told.reduce((bytes, one) => bytes + this.#publishOne(one), 0);
  }

  /** A log that cannot be read as what it should be is one host's trouble, and the others do not wait for it. */
  #publishOne({ host, head, said: update }: Told): number {
    const { log } = this.#parts;
    try {
      if (update instanceof Refused) throw update;
      if (update === undefined) return 0;
      const message = encodeUpdate(update);
      this.#send(update, message);
      return message.length;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (head !== undefined) this.#published.set(host, head);
      log.error({ error, host, rev: head }, 'publisher: the stored log of a host is damaged');
      return 0;
    }
  }

  #send(update: Update, message: Uint8Array): void {
    const { bus, subjects, log } = this.#parts;
    const { host } = update;
    bus.publish(subjects.live(host), message);
    this.#published.set(host, update.rev);
    log.debug({ host, ...summaryOf(update) }, 'publisher: update sent');
  }
}

/** Undefined where a host would not take it. */
function encoded(update: Update): Uint8Array | undefined {
  try {
    return encodeUpdate(update);
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

function summaryOf({ epoch, prev, rev, changes }: Update): object {
  return { epoch, prev, rev, changes: changes.length };
}
