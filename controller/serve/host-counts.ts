import type { Count, CountsReply } from '../../protocol/counts.ts';
import type { Counted, CountWindow } from '../model/counted.ts';

/** So long are the minutes that a host is judged by, if it has packets enough in them. */
const RECENT_MS = 5 * 60_000;
/** Answers of a long time are thinned out to about so many. */
const MAX_SAMPLES = 128;
const SENT = ['SENT', 'SENT_BACK'] as const;

/** What an answer says of the host as a whole, and when it came. */
interface Sample {
  readonly atMs: number;
  readonly packets: bigint;
  readonly redirected: bigint;
  readonly dropped: bigint;
  /** Null where not all of it is watched. */
  readonly lost: bigint | null;
}

/** What a redirect counted, in one place and as of one rev. */
interface Row {
  /** Empty where it does not count for the rollout. */
  readonly place: string;
  readonly packets: bigint;
  /** Of them, those that were not passed: never less than before, though the two are not read at one instant. */
  readonly hits: bigint;
  readonly isUndone: boolean;
}

/**
 * What one host counted for a rollout. Only answers of one boot and one epoch of its counters are subtracted; a redirect's also of
 * one place where it counts and one rev. What went back begins anew, and until the next answer there is no evidence.
 */
export class HostCounts {
  #life = '';
  #samples: Sample[] = [];
  readonly #rows = new Map<string, Row>();
  #hits = 0n;
  #answeredMs: number;
  #unusable: string | undefined;
  /** What was found of the redirects that were asked for last; undefined once another answer came. */
  #found: { readonly keys: ReadonlyMap<string, number>; readonly undone: number | null } | undefined;

  constructor(nowMs: number) {
    this.#answeredMs = nowMs;
  }

  /** Takes an answer. `keys`: the redirects of the rollout, with the rev from which on their packets count. */
  take(reply: CountsReply, keys: ReadonlyMap<string, number>, nowMs: number): void {
    const life = `${reply.boot} ${reply.counterEpoch}`;
    const sample = sampleOf(reply, nowMs);
    const last = this.#samples.at(-1);
    const begins = this.#life !== life || (last !== undefined && wentBack(last, sample));
    if (begins) this.#rows.clear();
    const back = reply.items.filter((item) => !this.#count(item, keys.get(item.key)));
    for (const key of reply.absent) this.#rows.set(key, ABSENT);
    const isBack = back.length > 0 || (begins && this.#life !== '');
    this.#unusable = isBack ? 'counts from the beginning' : undefined;
    this.#samples = begins || isBack ? [sample] : thinned([...this.#samples, sample]);
    this.#life = life;
    this.#answeredMs = nowMs;
    this.#found = undefined;
  }

  /** Notes that it answered, and why that says nothing. */
  answered(why: string, nowMs: number): void {
    this.#answeredMs = nowMs;
    this.#unusable = why;
  }

  at(nowMs: number, keys: ReadonlyMap<string, number>): Counted {
    return {
      answeredMsAgo: nowMs - this.#answeredMs,
      ...(this.#unusable !== undefined && { unusable: this.#unusable }),
      hits: Number(this.#hits),
      undone: this.#undone(keys),
      windows: this.#windows(),
    };
  }

  #undone(keys: ReadonlyMap<string, number>): number | null {
    if (this.#found?.keys === keys) return this.#found.undone;
    const rows = [...keys.keys()].map((key) => this.#rows.get(key));
    const undone = rows.includes(undefined) ? null : rows.filter((row) => row?.isUndone).length;
    this.#found = { keys, undone };
    return undone;
  }

  #windows(): Counted['windows'] {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined || first === last) return null;
    const from = this.#samples.findLast(({ atMs }) => last.atMs - atMs >= RECENT_MS) ?? first;
    return { recent: between(from, last), whole: between(first, last) };
  }

  /** Answers false where it counts from the beginning. */
  #count(item: Count, since: number | undefined): boolean {
    const before = this.#rows.get(item.key);
    const row = rowOf(item, since);
    this.#rows.set(item.key, row);
    if (row.place === '' || before?.place !== row.place) return true;
    if (row.packets < before.packets) return false;
    const more = row.hits - before.hits;
    if (more > 0n) this.#hits += more;
    else this.#rows.set(item.key, { ...row, hits: before.hits });
    return true;
  }
}

const ABSENT: Row = { place: '', packets: 0n, hits: 0n, isUndone: false };

function rowOf({ rev, counting, packets, passed, state }: Count, since: number | undefined): Row {
  const passedBy = Object.values(passed ?? {}).reduce((sum, count) => sum + BigInt(count), 0n);
  return {
    place: since === undefined || rev < since ? '' : `${counting} ${rev}`,
    packets: BigInt(packets),
    hits: BigInt(packets) - passedBy,
    isUndone: state === 'blocked' || state === 'denied' || state === 'failed',
  };
}

function sampleOf({ verdicts, lost, unwatched }: CountsReply, atMs: number): Sample {
  const all = Object.values(verdicts).reduce((sum, count) => sum + BigInt(count), 0n);
  const redirected = SENT.reduce((sum, name) => sum + BigInt(verdicts[name] ?? '0'), 0n);
  const dropped = BigInt(verdicts.DROPPED ?? '0');
  return { atMs, packets: all, redirected, dropped, lost: unwatched.length > 0 ? null : BigInt(lost) };
}

function wentBack(last: Sample, now: Sample): boolean {
  return (
    now.packets < last.packets ||
    now.redirected < last.redirected ||
    now.dropped < last.dropped ||
    (now.lost !== null && last.lost !== null && now.lost < last.lost)
  );
}

function between(from: Sample, to: Sample): CountWindow {
  return {
    spanMs: to.atMs - from.atMs,
    packets: Number(to.packets - from.packets),
    redirected: Number(to.redirected - from.redirected),
    dropped: Number(to.dropped - from.dropped),
    lost: to.lost === null || from.lost === null ? null : Number(to.lost - from.lost),
  };
}

/** Every other one of the older half goes once there are too many; the first stays. */
function thinned(samples: Sample[]): Sample[] {
  if (samples.length <= MAX_SAMPLES) return samples;
  return samples.filter((_, at) => at === 0 || at >= samples.length >> 1 || at % 2 === 0);
}
