import type { Log } from '../../daemon/log.ts';
import { parseStatus, type Status } from '../../protocol/status.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { Clock, Incoming, Report, Roster } from '../ports.ts';
import type { Refusals } from './refusals.ts';

/** Statuses wait this long for one commit. A host's place in the fleet is not kept waiting: what is new goes at once. */
const WRITE_EVERY_MS = 1000;
/** "At once" still lets a fleet that starts together share commits. */
const GATHER_MS = 50;

interface IntakeParts {
  readonly roster: Roster;
  readonly subjects: Subjects;
  readonly refusals: Refusals;
  readonly now: Clock;
  readonly log: Log;
  /** Logs may have moved. */
  readonly onChange: () => void;
}

/** Notes what hosts report of themselves, the newest of each. */
export class StatusIntake implements AsyncDisposable {
  readonly #parts: IntakeParts;
  readonly #waiting = new Map<string, Report>();
  /** Labels as stored by this process, as JSON, by host. */
  readonly #labels = new Map<string, string>();
  #timer: { readonly handle: NodeJS.Timeout; readonly delayMs: number } | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  async receive({ subject, data }: Incoming): Promise<void> {
    const { subjects, refusals, now } = this.#parts;
    try {
      const status = parseStatus(data, subjects.hostOf(subject));
      this.#waiting.set(status.host, { status, seenAtMs: now() });
      this.#schedule(this.#isNews(status) ? GATHER_MS : WRITE_EVERY_MS);
    } catch (error) {
      refusals.add(error, subject);
    }
  }

  /** Writes what waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer?.handle);
    this.#timer = undefined;
    await this.#write();
  }

  #isNews({ host, labels }: Status): boolean {
    return this.#labels.get(host) !== JSON.stringify(labels);
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== undefined && this.#timer.delayMs <= delayMs) return;
    clearTimeout(this.#timer?.handle);
    const handle = setTimeout(() => {
      this.#timer = undefined;
      void this.#write(); // reports its own failure
    }, delayMs);
    this.#timer = { handle, delayMs };
  }

  #write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#writeWaiting());
    return this.#writing;
  }

  async #writeWaiting(): Promise<void> {
    const { roster, log, onChange } = this.#parts;
    const reports = [...this.#waiting.values()];
    if (reports.length === 0) return;
    this.#waiting.clear();
    try {
      await roster.report(reports);
    } catch (error) {
      log.error({ error, hosts: reports.length }, 'status: reports could not be stored; the next ones are awaited');
      return;
    }
    for (const { status } of reports) this.#labels.set(status.host, JSON.stringify(status.labels));
    onChange();
  }
}
