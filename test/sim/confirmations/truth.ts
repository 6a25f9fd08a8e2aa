import type { BootTime } from '../../../agent/model/boot-time.ts';
import type { Acceptance, Candidate, Move } from '../../../agent/model/stored.ts';
import type { Unconfirmed } from '../../../agent/model/unconfirmed.ts';
import type { Change, Intent } from '../../../protocol/intent.ts';

/** The kernel's clock ticks, a disk takes its time, and a pass some turns. */
const SLACK_MS = 200;

/** A change as it was stored, and what became of it. */
interface Told {
  readonly rev: number;
  /** Undefined: it deletes. */
  readonly intent: Intent | undefined;
  readonly withinMs: number | undefined;
  /** When it stood first, and until when it has to be confirmed; of the boot. */
  since?: number;
  deadlineMs?: number;
  /** Needs no confirmation any more. */
  good: boolean;
  /** It was taken back: no mark is in time any more. */
  over?: true;
}

/** What was confirmed in time and what was not, by what was stored and done, and when; said as simply as can be. */
export class Truth {
  /** By key, oldest first. */
  readonly #told = new Map<string, Told[]>();
  #confirmed = 0;
  #epoch = '';
  #noted: number | undefined;
  readonly wrong: string[] = [];
  readonly #awaits: (key: string, rev: number) => boolean;

  /** `awaits`: whether the store has it that this change of a key is awaited, or was taken back. */
  constructor(awaits: (key: string, rev: number) => boolean) {
    this.#awaits = awaits;
  }

  accepted(
    { changes, cursor, marks, base }: Candidate,
    { outcome }: Acceptance,
    set: ReadonlyMap<string, Intent>,
    at: BootTime,
  ): void {
    if (outcome !== 'accepted') return;
    if (cursor.epoch !== this.#epoch) this.#confirmed = 0;
    this.#epoch = cursor.epoch;
    if (marks?.confirmed !== undefined) this.confirmed(marks.confirmed, at);
    for (const change of changes) this.#change(change);
    if (base === 'stored') return;
    const named = new Set(changes.map(({ key }) => key));
    for (const [key, told] of this.#told) {
      if (!named.has(key) && !set.has(key) && told.at(-1)?.intent !== undefined)
        told.push({ rev: cursor.rev, intent: undefined, withinMs: undefined, good: true });
    }
  }

  confirmed(rev: number, { ms }: BootTime): void {
    this.#confirmed = Math.max(rev, this.#confirmed);
    for (const [key, told] of this.#told) {
      for (const one of told) {
        if (one.rev > rev || one.good) continue;
        // Of the last moment, whoever stores it decides.
        const good = inTime(one, ms);
        one.good = good === 'maybe' ? !this.#awaits(key, one.rev) : good;
      }
    }
  }

  /** The kernel was asked for it, and did it: a revision of this key stands, or nothing does. */
  done(key: string, rev: number | undefined, { ms }: BootTime): void {
    const told = this.#told.get(key) ?? [];
    const one = rev === undefined ? told.at(-1) : told.findLast((it) => it.rev === rev);
    if (one === undefined || one.since !== undefined || (rev === undefined && one.intent !== undefined)) return;
    one.since = ms;
    if (one.withinMs !== undefined) one.deadlineMs ??= ms + one.withinMs;
  }

  /** The disk has it that its time runs, or does not after all, or is over. */
  moved(kind: Move, { key, rev }: Pick<Unconfirmed, 'key' | 'rev'>, { ms }: BootTime): void {
    if (kind === 'revert') this.checkReverted(key, rev);
    const one = this.#told.get(key)?.findLast((it) => it.rev === rev);
    if (one?.withinMs === undefined || one.since !== undefined) return;
    if (kind === 'arm') one.deadlineMs = ms + one.withinMs;
    if (kind === 'disarm') delete one.deadlineMs;
  }

  noted({ ms }: BootTime): void {
    this.#noted = ms;
  }

  /** The host has booted, and its agent goes on at this moment of the new boot. */
  booted({ ms }: BootTime): void {
    for (const one of [...this.#told.values()].flat()) {
      if (one.deadlineMs === undefined || one.withinMs === undefined) continue;
      const leftMs = one.deadlineMs - Math.max(this.#noted ?? 0, one.since ?? 0);
      one.deadlineMs = ms + Math.min(one.withinMs, leftMs) + SLACK_MS;
      one.since = ms - one.withinMs;
    }
    this.#noted = ms;
  }

  get keys(): Iterable<string> {
    return this.#told.keys();
  }

  /** Nothing unconfirmed outlives its deadline. */
  checkStanding(key: string, rev: number, { ms }: BootTime): void {
    const told = this.#told.get(key) ?? [];
    const one = told.findLast((it) => it.rev === rev);
    if (one === undefined || one.good || one.withinMs === undefined) return;
    const lateMs = ms - (one.deadlineMs ?? ms);
    if (lateMs > SLACK_MS)
      this.wrong.push(`${key} of rev ${one.rev} stands ${Math.round(lateMs)} ms past its deadline`);
  }

  /** Nothing confirmed is taken back by a timer. */
  checkReverted(key: string, rev: number): void {
    const one = this.#told.get(key)?.findLast((it) => it.rev === rev);
    for (const it of this.#told.get(key) ?? []) if (it.rev <= rev && !it.good) it.over = true;
    if (one?.good) this.wrong.push(`${key} of rev ${rev} was taken back, and was confirmed`);
  }

  /** What stands once every time is over; `isBack`: the host says that it took the newest change back. */
  expected(key: string, isBack: boolean): number | undefined {
    const told = this.#told.get(key) ?? [];
    const last = told.at(-1);
    if (last === undefined) return undefined;
    if (!last.good && !isBack) this.wrong.push(`${key} of rev ${last.rev} was not confirmed, and stays`);
    const good = isBack ? told.findLast((it) => it !== last && it.good) : last;
    return good?.intent?.rev;
  }

  #change(change: Change): void {
    const told = this.#told.get(change.key) ?? [];
    this.#told.set(change.key, told);
    const last = told.at(-1);
    const intent = change.op === 'put' ? change : undefined;
    const isGone = last === undefined || (last.intent === undefined && last.good);
    if (last?.rev === change.rev || (intent === undefined && isGone)) return;
    const was = told.findLast(({ good }) => good);
    const isAgain = JSON.stringify(was?.intent?.to) === JSON.stringify(intent?.to);
    const good = change.confirm === undefined || change.rev <= this.#confirmed || isAgain;
    // What never stood and is replaced is nothing to come back to.
    if (last !== undefined && !last.good && last.deadlineMs === undefined) last.over = true;
    told.push({ rev: change.rev, intent, withinMs: change.confirm?.withinMs, good });
  }
}

function inTime({ deadlineMs, over }: Told, ms: number): boolean | 'maybe' {
  if (over) return false;
  if (deadlineMs === undefined || ms < deadlineMs - SLACK_MS) return true;
  return ms < deadlineMs + SLACK_MS ? 'maybe' : false;
}
