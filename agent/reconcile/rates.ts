import type { Intent } from '../../protocol/intent.ts';
import { MAX_BUSIEST, type Met, type Others, type Rates as Told } from '../../protocol/rates.ts';
import { KernelError } from '../model/kernel-error.ts';
import type { Counts, Losses, PassedHits, Totals } from '../ports.ts';

/** A status that comes sooner tells none: a rate of less time jumps, and each look reads every slot. */
const LEAST_SPAN_MS = 10_000;
/** No span has more: who finds more in a counter finds what somebody wrote there. */
const MOST = Number.MAX_SAFE_INTEGER;

type Counted = Pick<Counts, 'epoch' | 'totals' | 'passed' | 'verdicts' | 'losses'>;

/** Whose hits each slot counts. */
export interface Holders {
  readonly turns: Readonly<Uint32Array>;
  holderOf(slot: number): Intent | undefined;
}

/** All counts of one moment. */
interface Look extends Totals {
  readonly atMs: number;
  readonly epoch: string;
  readonly turns: Uint32Array;
  /** Whose turns these were: other holders count theirs from nothing. */
  readonly of: Holders['turns'];
  readonly passed: PassedHits;
  readonly verdicts: ReadonlyMap<string, bigint>;
  readonly losses: Losses;
}

/** What each slot counted within the span. */
interface Grown {
  readonly slots: number;
  packets(slot: number): number;
  bytes(slot: number): number;
}

/** Tells from growing counts what packets did between two looks. Pure but for what it remembers of the last look. */
export class Rates {
  #before: Look | undefined;
  /** The one before that: its arrays, megabytes where slots are many, are those of the next one. */
  #spare: Look | undefined;

  /**
   * What came since the last look, and looks again. Undefined, without a look, where that was just now; and where nothing can be
   * said: it is the first look, the counts cannot be read, or one went back, so that somebody began it anew. `monotonicMs`: now.
   */
  look(counts: Counted, holders: Holders, monotonicMs: number): Told | undefined {
    const before = this.#before;
    if (before !== undefined && monotonicMs - before.atMs < LEAST_SPAN_MS) return undefined;
    const now = lookAt(counts, holders, monotonicMs, this.#spare);
    [this.#before, this.#spare] = [now, before];
    return before !== undefined && now !== undefined && isOfSame(before, now)
      ? compare(before, now, holders)
      : undefined;
  }
}

/** Undefined where the kernel does not answer: whoever converges finds that, too. */
function lookAt(counts: Counted, { turns }: Holders, atMs: number, spare: Look | undefined): Look | undefined {
  const { epoch } = counts;
  try {
    const told = { passed: counts.passed(), verdicts: counts.verdicts(), losses: counts.losses() };
    return { atMs, epoch, of: turns, turns: copyOf(turns, spare?.turns), ...told, ...counts.totals(spare) };
  } catch (error) {
    if (error instanceof KernelError) return undefined;
    throw error;
  }
}

function isOfSame(before: Look, now: Look): boolean {
  return before.epoch === now.epoch && before.of === now.of;
}

function copyOf(turns: Readonly<Uint32Array>, into: Uint32Array | undefined): Uint32Array {
  if (into?.length !== turns.length) return turns.slice();
  into.set(turns);
  return into;
}

function compare(before: Look, now: Look, holders: Holders): Told | undefined {
  const grown = growth(before, now);
  const verdicts = verdictsBetween(before, now);
  const lost = lostBetween(before.losses, now.losses);
  if (grown === undefined || verdicts === undefined || lost === undefined) return undefined;
  const { slots, others } = pick(grown, holders);
  const busiest = slots.map((slot): Met => {
    const passed = passedBetween(before, now, slot);
    const name = holders.holderOf(slot)?.name ?? '';
    const [packets, bytes] = [grown.packets(slot), grown.bytes(slot)];
    return { name, packets, bytes, ...(passed > 0 && { passed }) };
  });
  const spanMs = Math.round(now.atMs - before.atMs);
  return { spanMs, busiest, ...(others.redirects > 0 && { others }), verdicts, lost };
}

/** Of whoever holds each slot now. Undefined where a count went back. */
function growth(before: Look, now: Look): Grown | undefined {
  const of =
    (after: Float64Array, first: Float64Array) =>
    (slot: number): number => {
      const anew = before.turns[slot] !== now.turns[slot];
      return (after[slot] ?? 0) - (anew ? 0 : (first[slot] ?? 0));
    };
  const slots = now.packets.length;
  const grown = { slots, packets: of(now.packets, before.packets), bytes: of(now.bytes, before.bytes) };
  for (let slot = 0; slot < slots; slot += 1)
    if (!isCount(grown.packets(slot)) || !isCount(grown.bytes(slot))) return undefined;
  return grown;
}

/** The slots with the most packets, in their order, and what the others had, of redirects that are desired. */
function pick(grown: Grown, { holderOf }: Pick<Holders, 'holderOf'>): { slots: number[]; others: Others } {
  const slots: number[] = [];
  const all = { redirects: 0, packets: 0, bytes: 0 };
  for (let slot = 0; slot < grown.slots; slot += 1) {
    const count = grown.packets(slot);
    if (count === 0 || holderOf(slot) === undefined) continue;
    all.redirects += 1;
    all.packets += count;
    all.bytes += grown.bytes(slot);
    if (slots.length === MAX_BUSIEST && count <= grown.packets(slots.at(-1) ?? 0)) continue;
    const after = slots.findLastIndex((other) => grown.packets(other) >= count);
    slots.splice(after + 1, 0, slot);
    if (slots.length > MAX_BUSIEST) slots.pop();
  }
  const sum = (of: (slot: number) => number): number => slots.reduce((total, slot) => total + of(slot), 0);
  const others = {
    redirects: all.redirects - slots.length,
    packets: Math.min(all.packets - sum(grown.packets), MOST),
    bytes: Math.min(all.bytes - sum(grown.bytes), MOST),
  };
  return { slots, others };
}

function passedBetween(before: Look, now: Look, slot: number): number {
  const anew = before.turns[slot] !== now.turns[slot];
  let passed = 0;
  for (const [reason, bySlot] of now.passed) {
    const from = anew ? 0n : (before.passed.get(reason)?.[slot] ?? 0n);
    passed += Number((bySlot[slot] ?? 0n) - from);
  }
  return isCount(passed) ? passed : 0;
}

/** Those that came up; undefined where one went back. */
function verdictsBetween({ verdicts: before }: Look, { verdicts: now }: Look): Told['verdicts'] | undefined {
  const between = [...now].map(([name, packets]) => [name, Number(packets - (before.get(name) ?? 0n))] as const);
  if (!between.every(([, packets]) => isCount(packets))) return undefined;
  return Object.fromEntries(between.filter(([, packets]) => packets > 0));
}

/** Undefined where it went back; null where nothing is known to have died, and not all is watched. */
function lostBetween(before: Losses, now: Losses): number | null | undefined {
  const lost = Number(sumOf(now) - sumOf(before));
  if (!isCount(lost)) return undefined;
  return lost === 0 && now.unwatched.length > 0 ? null : lost;
}

function sumOf({ losses }: Losses): bigint {
  return losses.reduce((sum, { packets }) => sum + packets, 0n);
}

function isCount(number: number): boolean {
  return number >= 0 && number <= MOST;
}
