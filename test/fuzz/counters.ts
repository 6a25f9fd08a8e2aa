/** What the program counted, from its maps as they were before and are after. */
import { PASS_REASONS, STRUCTS, VERDICTS } from '../../agent/kernel/abi.ts';
import { Tally } from './tally.ts';
import { SLOTS } from './world.ts';

/** 64-bit words of a row of `stats`. */
const ROW = { words: STRUCTS.stat.size / 8, packets: 0, bytes: 1, seen: 2 } as const;

export interface Counters {
  /** Of each CPU. */
  readonly verdicts: BigUint64Array;
  readonly stats: BigUint64Array;
  readonly passed: BigUint64Array;
}

/** From when to when, in jiffies. */
export interface Span {
  readonly from: bigint;
  readonly to: bigint;
}

export function tallyOf(before: Counters, after: Counters, span: Span): Tally {
  const tally = new Tally();
  const moved = (of: keyof Counters, at: number) => Number((after[of][at] ?? 0n) - (before[of][at] ?? 0n));
  const cpus = after.verdicts.length / VERDICTS.length;
  for (const at of after.verdicts.keys()) tally.add(`${VERDICTS[Math.floor(at / cpus)]}`, moved('verdicts', at));
  for (const row of after.passed.keys())
    tally.add(`${PASS_REASONS[Math.floor(row / SLOTS)]} of slot ${row % SLOTS}`, moved('passed', row));
  for (let row = 0; row < after.stats.length / ROW.words; row += 1) {
    const [first, slot] = [row * ROW.words, row % SLOTS];
    tally.add(`packets of slot ${slot}`, moved('stats', first + ROW.packets));
    tally.add(`bytes of slot ${slot}`, moved('stats', first + ROW.bytes));
    const last = after.stats[first + ROW.seen] ?? 0n;
    if (moved('stats', first + ROW.packets) !== 0) tally.saw(slot, last >= span.from && last <= span.to);
    else if (moved('stats', first + ROW.seen) !== 0) tally.add(`slot ${slot} seen without a packet`, 1);
  }
  return tally;
}
