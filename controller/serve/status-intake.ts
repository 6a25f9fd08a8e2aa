import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import { Waker } from '../../daemon/waker.ts';
import { parseStatus, type Status } from '../../protocol/status.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { isNewer, remember } from '../model/evidence.ts';
import type { Incoming, Report, Roster } from '../ports.ts';
import type { Refusals } from './refusals.ts';
import { Steadiness } from './steadiness.ts';
import type { Traffic } from './traffic.ts';

/** Statuses wait this long for one commit. A host's place in the fleet is not kept waiting: what is new goes at once. */
const WRITE_EVERY_MS = 1000;
/** What somebody may be waiting for, that a host has come on, shares commits with others that do. */
const PROGRESS_MS = 100;
/** "At once" still lets a fleet that starts together share commits. */
const GATHER_MS = 50;
/** Starts of one host's agent whose statuses may wait. */
const MAX_WAITING = 8;

interface IntakeParts {
  readonly roster: Roster;
  readonly subjects: Subjects;
  readonly refusals: Refusals;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs' | 'delay'>;
  readonly log: Log;
  readonly traffic: Pick<Traffic, 'take'>;
  /** Logs may have moved. */
  readonly onChange: () => void;
}

/** Notes what hosts report of themselves, the newest of each. */
export class StatusIntake {
  readonly #parts: IntakeParts;
  /** By host, in their order: the newest of each start of its agent. */
  readonly #waiting = new Map<string, Report[]>();
  /** What selectors and the compiler look at, and whether it ended, as stored by this process, by host. */
  readonly #facts = new Map<string, string>();
  /** How far each came, by its last word. */
  readonly #levels = new Map<string, string>();
  readonly #steadiness: Steadiness;
  readonly #waker = new Waker();
  /** Monotonic: when what waits is written. */
  #dueAtMs = Number.POSITIVE_INFINITY;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#steadiness = new Steadiness(parts.clock);
  }

  /** Takes one status. Never rejects. */
  async receive({ subject, data }: Incoming): Promise<void> {
    const { subjects, refusals, clock } = this.#parts;
    try {
      const told = parseStatus(data, subjects.hostOf(subject));
      this.#parts.traffic.take(told);
      const { rates: _, ...status } = told; // they are for memory alone
      const steady = this.#steadiness.take(status);
      this.#keep({ status, seenAtMs: clock.nowMs(), ...(steady > 0 && { steady }) });
      this.#writeWithin(this.#mayWaitMs(status, steady));
    } catch (error) {
      refusals.add(error, subject);
    }
  }

  /** Writes what waits when it is due, until the signal aborts; what waits then is written at once. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    try {
      for (;;) {
        const leftMs = this.#dueAtMs - clock.monotonicMs();
        if (leftMs <= 0) await this.#write();
        else await this.#waker.sleep(clock.delay, leftMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    await this.#write();
  }

  #keep(report: Report): void {
    const { host } = report.status;
    const waiting = this.#waiting.get(host) ?? [];
    this.#waiting.set(host, waiting);
    const last = waiting.at(-1);
    if (last?.status.boot !== report.status.boot) waiting.push(report);
    else if (isNewer(remember(undefined, last.status, last.seenAtMs), report.status, report.seenAtMs))
      waiting.splice(-1, 1, report);
    if (waiting.length > MAX_WAITING) waiting.shift();
  }

  #mayWaitMs(status: Status, steady: number): number {
    const { host, epoch, stored, applied, verified } = status;
    const [before, now] = [this.#levels.get(host), `${epoch} ${stored} ${applied} ${verified}`];
    this.#levels.set(host, now);
    if (this.#facts.get(host) !== factsOf(status) || isWaitedFor(status, steady)) return GATHER_MS;
    return before === now ? WRITE_EVERY_MS : PROGRESS_MS;
  }

  #writeWithin(delayMs: number): void {
    const dueAtMs = this.#parts.clock.monotonicMs() + delayMs;
    if (dueAtMs >= this.#dueAtMs) return;
    this.#dueAtMs = dueAtMs;
    this.#waker.wake();
  }

  async #write(): Promise<void> {
    const { roster, log, onChange } = this.#parts;
    const reports = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    if (reports.length === 0) return;
    try {
      await roster.report(reports);
    } catch (error) {
      log.error({ error, hosts: reports.length }, 'status: reports could not be stored; the next ones are awaited');
      return;
    }
    for (const { status } of reports) this.#facts.set(status.host, factsOf(status));
    onChange();
  }
}

/** Whether a host has a change that can be confirmed now: it counts down. */
function isWaitedFor({ unconfirmed = [] }: Status, steady: number): boolean {
  return unconfirmed.some(({ rev }) => rev <= steady);
}

/** Nor is a host's end kept waiting: whoever asks next is not to take it for one that runs. */
function factsOf({ labels, can = [], ended }: Status): string {
  return JSON.stringify({ labels, can, ended });
}
