import { isDeepStrictEqual } from 'node:util';
import type { EntryKey } from '../../agent/model/entry-key.ts';
import type { Op } from '../../agent/model/op.ts';
import { type Shape, shapeOf } from '../../protocol/shape.ts';
import { drop, keyOf, plain, protectedIn, remove, send, standing, write } from './cases.ts';
import type { Subject } from './subject.ts';

/** What a comparison found: how far it came, and the first difference. */
export interface Comparison {
  readonly runs: number;
  readonly done: number;
  readonly refused: number;
  readonly absent: number;
  readonly difference: unknown;
}

const KEYS: readonly EntryKey[] = [
  ...Array.from({ length: 22 }, (_, n) => keyOf(n + 1)),
  ...Array.from({ length: 4 }, (_, n) => keyOf(n + 1, 4, 2)),
  ...Array.from({ length: 18 }, (_, n) => keyOf(n + 1, 6)),
];
const NAMES = ['conf0', 'conf1'] as const;
/** One sequence in so many removes or makes a netdev, which takes milliseconds. */
const NETDEV_EVERY = 40;

/** A stream of numbers below a bound, the same for the same seed (mulberry32). */
export function randomBelow(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

/** Does the same to both, `runs` times a few ops, and stops at the first difference in results or in what stands. */
export function compare(
  real: Subject,
  fake: Subject,
  remake: (name: string, ifindex: number) => void,
  config: {
    readonly runs: number;
    readonly seed: number;
  },
): Comparison {
  const below = randomBelow(config.seed);
  const ifindexes = new Map<string, number>();
  const known: number[] = [99_999];
  let [done, refused, absent, strays] = [0, 0, 0, 0];
  for (let run = 0; run < config.runs; run += 1) {
    if (run % NETDEV_EVERY === 0) turnNetdev(NAMES[below(NAMES.length)] ?? NAMES[0]);
    if (below(8) === 0) meddle();
    const ops = Array.from({ length: 1 + below(12) }, () => someOp(below, known));
    const [mine, theirs] = [real.kernel.entries.apply(ops), fake.kernel.entries.apply(ops)];
    for (const result of mine) {
      if (!result.done) refused += 1;
      else if (result.absent) absent += 1;
      else done += 1;
    }
    const keys = ops.flatMap((op) => ('key' in op ? [op.key] : []));
    const looked = [real, fake].map((subject) => plain([...subject.kernel.entries.lookup(keys)]));
    const stand = [real, fake].map(({ kernel }) => plain([standing(kernel), protectedIn(kernel)]));
    if (!isDeepStrictEqual(mine, theirs)) return found(run, { ops, mine, theirs });
    if (!isDeepStrictEqual(looked[0], looked[1])) return found(run, { ops, looked });
    if (!isDeepStrictEqual(stand[0], stand[1])) return found(run, { ops, stand });
    const swept = below(4) === 0 ? [real, fake].map((subject) => subject.kernel.entries.sweep()) : [];
    if (!isDeepStrictEqual(swept[0], swept[1])) return found(run, { swept });
  }
  return found(config.runs, null);

  function found(runs: number, difference: unknown): Comparison {
    return { runs, done, refused, absent, difference };
  }

  /** What somebody else does to both. */
  function meddle(): void {
    const family = below(3) === 0 ? 6 : 4;
    const [key = 1, to] = [known[below(known.length)], [...ifindexes.values()][below(ifindexes.size)]];
    const what = below(5);
    for (const subject of [real, fake]) {
      if (what === 0) subject.damageShapes(family);
      else if (what === 1 && to !== undefined) subject.lead(key, to);
      else if (what === 2) subject.damageProtected();
      else subject.plantStray(family, strays);
    }
    strays += 1;
  }

  function turnNetdev(name: string): void {
    if (ifindexes.delete(name)) {
      real.removeNetdev(name);
      fake.removeNetdev(name);
      return;
    }
    const ifindex = real.addNetdev(name);
    remake(name, ifindex);
    ifindexes.set(name, ifindex);
    known.push(ifindex);
    if (known.length > 5) known.splice(1, 1);
  }
}

function someOp(below: (bound: number) => number, ifindexes: readonly number[]): Op {
  const key = KEYS[below(KEYS.length)] as EntryKey;
  const ifindex = ifindexes[below(ifindexes.length)] ?? 1;
  const slot = below(4);
  const someValue = () => (below(2) === 0 ? drop(slot, below(5)) : send(slot, ifindex, below(2 ** 32)));
  // Each publication of shapes waits for a grace period of the real kernel: milliseconds.
  if (below(60) === 0) return { op: 'shapes', family: 4, shapes: someShapes(below) };
  if (below(60) === 0) return { op: 'protect', matches: KEYS.slice(0, below(16)).map(({ match }) => match) };
  switch (below(9)) {
    case 0:
      return { op: 'port', ifindex, present: below(3) > 0 };
    case 1:
    case 2:
    case 3:
    case 4:
      return remove(key);
    default:
      return write(key, { ...someValue(), ...(below(3) === 0 && { guarded: true }) });
  }
}

function someShapes(below: (bound: number) => number): Shape[] {
  const of = shapeOf(keyOf(1).match);
  return Array.from({ length: below(9) }, (_, n) => ({ ...of, dstLen: 32 - n, sport: below(2) === 0 }));
}
