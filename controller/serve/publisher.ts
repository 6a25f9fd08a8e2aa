import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import { Waker } from '../../daemon/waker.ts';
import { listBudgetBytes } from '../../protocol/json.ts';
import { Refused } from '../../protocol/refused.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { encodeUpdate, type Update } from '../../protocol/update.ts';
import type { Bus, Logs, Moved } from '../ports.ts';

/** How often the database is asked for what other controllers committed. */
const POLL_MS = 1000;
/** Updates that may wait for the server at a time. */
const UPDATES_A_FLUSH = 64;

interface PublisherParts {
  readonly logs: Pick<Logs, 'movedAfter' | 'update' | 'hint'>;
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
    const { rev, marks, heads, marked: hosts } = await logs.movedAfter(this.#rev, this.#marks);
    const revs = new Map(heads.map((head) => [head.host, head.rev]));
    const marked = new Set(hosts);
    for (const [index, host] of [...new Set([...revs.keys(), ...marked])].entries()) {
      await this.#publish({ host, rev: revs.get(host), isMarked: marked.has(host) });
      if (index % UPDATES_A_FLUSH === UPDATES_A_FLUSH - 1) await bus.flush();
    }
    [this.#rev, this.#marks] = [rev, marks];
  }

  /** A log that cannot be read as what it should be is one host's trouble, and the others do not wait for it. */
  async #publish({ host, rev, isMarked }: News): Promise<void> {
    const { logs, bus, subjects, log } = this.#parts;
    try {
      const update = (await this.#read(host)) ?? (isMarked ? await logs.hint(host) : undefined);
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

  #read(host: string): Promise<Update | undefined> {
    const { logs, bus } = this.#parts;
    return logs.update(host, this.#published.get(host) ?? 0, listBudgetBytes(bus.maxPayloadBytes));
  }
}

function summaryOf({ epoch, prev, rev, changes }: Update): object {
  return { epoch, prev, rev, changes: changes.length };
}
