import type { Log } from '../../daemon/log.ts';
import { listBudgetBytes } from '../../protocol/json.ts';
import { Refused } from '../../protocol/refused.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { encodeUpdate, type Update } from '../../protocol/update.ts';
import type { Bus, Head, Logs } from '../ports.ts';

/** How often the database is asked for what other controllers committed. */
const POLL_MS = 1000;
/** Updates that may wait for the server at a time. */
const UPDATES_A_FLUSH = 64;

interface PublisherParts {
  readonly logs: Pick<Logs, 'movedAfter' | 'update'>;
  readonly bus: Pick<Bus, 'connected' | 'maxPayloadBytes' | 'publish' | 'flush' | 'onConnect'>;
  readonly subjects: Subjects;
  readonly log: Log;
}

/**
 * Pushes to each host what is new in its log. It looks at the database, never at what a caller tells it, so wake-ups
 * coalesce, and commits of other controllers go out too. What is lost on the way, hosts find by their own sync.
 */
export class Publisher implements AsyncDisposable {
  readonly #parts: PublisherParts;
  readonly #published = new Map<string, number>();
  #rev = 0;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  /** Begins with what the logs hold now: that is for syncs. */
  async start(): Promise<void> {
    const { rev, heads } = await this.#parts.logs.movedAfter(0);
    this.#rev = rev;
    for (const head of heads) this.#published.set(head.host, head.rev);
    this.#timer = setInterval(() => this.wake(), POLL_MS);
    this.#parts.bus.onConnect(() => this.wake());
  }

  /** Says that there may be something new. */
  wake(): void {
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
    this.#closed = true;
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        await this.#pass();
      } catch (error) {
        this.#parts.log.error({ error }, 'publisher: a pass failed; the next poll tries again');
        return;
      }
    }
  }

  async #pass(): Promise<void> {
    const { logs, bus } = this.#parts;
    if (!bus.connected) return;
    const { rev, heads } = await logs.movedAfter(this.#rev);
    for (const [index, head] of heads.entries()) {
      await this.#publish(head);
      if (index % UPDATES_A_FLUSH === UPDATES_A_FLUSH - 1) await bus.flush();
    }
    this.#rev = rev;
  }

  /** A log that cannot be read as what it should be is one host's trouble, and the others do not wait for it. */
  async #publish(head: Head): Promise<void> {
    const { bus, subjects, log } = this.#parts;
    const { host } = head;
    try {
      const update = await this.#read(host);
      if (update === undefined) return;
      bus.publish(subjects.live(host), encodeUpdate(update));
      this.#published.set(host, update.rev);
      log.debug({ host, ...summaryOf(update) }, 'publisher: update sent');
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#published.set(host, head.rev);
      log.error({ error, host, rev: head.rev }, 'publisher: the stored log of a host is damaged');
    }
  }

  #read(host: string): Promise<Update | undefined> {
    const { logs, bus } = this.#parts;
    return logs.update(host, this.#published.get(host) ?? 0, listBudgetBytes(bus.maxPayloadBytes));
  }
}

function summaryOf({ epoch, prev, rev, changes }: Update): object {
  return { epoch, prev, rev, changes: changes.length };
}
