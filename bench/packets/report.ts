import { type Column, table } from '../../cli/show/table.ts';
import type { Measured, Spread } from './compare.ts';
import type { Machine } from './machine.ts';

export interface Results {
  readonly machine: Machine;
  readonly rounds: number;
  readonly rows: readonly Measured[];
}

/** What a row shall reach beside a floor: the most (or, of speeds, the least) that is taken. */
export interface Goal {
  readonly row: string;
  readonly floor: string;
  readonly entries: number;
  readonly hard: number;
  readonly least?: true;
}

/** How many redirects a host has in its rows. */
export const ENTRIES = [1, 1_024, 131_072] as const;
const goals = (row: string, floor: string, ...bounds: readonly number[]): readonly Goal[] =>
  bounds.map((hard, at) => ({ row, floor, entries: ENTRIES[at] ?? Number.NaN, hard }));

export const GOALS: readonly Goal[] = [
  ...goals('hit, 1 shape', 'floor1', 1, 1, 0.8),
  ...goals('hit, IPv6', 'floor1, IPv6', 1.1, 1.1, 0.9),
  ...goals('hit, out of another port', 'floor1', 1.15, 1.15, 0.8),
  ...goals('miss, 1 shape', 'floor1', 0.75, 0.75, 0.75),
  ...goals('miss, 8 shapes', 'floor1', 1.4, 1.4, 0.7),
  ...goals('hit, two CPUs on one redirect', 'hit, one CPU', 1.1),
  ...goals('hit, out of another port', 'fib', 1 / 2.2),
  {
    row: 'live, out of a veth',
    floor: 'bare, in frames/s',
    entries: 1,
    hard: 0.8,
    least: true,
  },
];

const COLUMNS: readonly Column[] = [
  { title: 'ROW' },
  { title: 'ENTRIES', align: 'right' },
  { title: 'NS', align: 'right' },
  { title: 'BESIDE' },
  { title: 'RATIO', align: 'right' },
  { title: 'HALF', align: 'right' },
  { title: 'GOAL' },
];

/** One line a ratio; a row that stands beside nothing has one, too. */
export function layOut({ rows, rounds, machine }: Results): string {
  const lines = rows.flatMap((row) => {
    const ratios = Object.entries(row.ratios);
    if (ratios.length === 0) return [[row.name, `${row.entries}`, nsText(row.ns), '', '', '', '']];
    return ratios.map(([floor, ratio]) => [
      ...[row.name, `${row.entries}`, nsText(row.ns), floor],
      ...[ratio.median.toFixed(2), `${ratio.q1.toFixed(2)}-${ratio.q3.toFixed(2)}`, goalText(row, floor, ratio)],
    ]);
  });
  const head = `Medians of ${rounds} interleaved rounds; nanoseconds a packet, the wrapper's included.`;
  return `${head}\n${machine.cpu}, ${machine.cpus} CPUs, Linux ${machine.kernel}, load ${machine.load.toFixed(1)}\n\n${table(COLUMNS, lines, { width: undefined, colour: false })}`;
}

function goalOf(row: Pick<Measured, 'name' | 'entries'>, floor: string): Goal | undefined {
  return GOALS.find((one) => one.row === row.name && one.entries === row.entries && one.floor === floor);
}

export function meets({ hard, least }: Goal, { median }: Spread): boolean {
  return least ? median >= hard : median <= hard;
}

function goalText(row: Measured, floor: string, ratio: Spread): string {
  const goal = goalOf(row, floor);
  if (goal === undefined) return '';
  return `${goal.least ? '>=' : '<='} ${goal.hard.toFixed(2)} ${meets(goal, ratio) ? 'met' : 'missed'}`;
}

function nsText({ median }: Spread): string {
  return median.toFixed(0);
}
