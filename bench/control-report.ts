import { table } from '../cli/show/table.ts';
import type { Quantiles } from './floors.ts';

/** Where one change was when; milliseconds from the request on. */
export interface Times {
  readonly reply: number;
  readonly message: number;
  readonly kernel: number;
}

export const KINDS = ['new', 'change', 'delete'] as const;
export type Kind = (typeof KINDS)[number];

const STAGES = {
  'request to reply': ({ reply }) => reply,
  'request to message': ({ message }) => message,
  'message to kernel': ({ message, kernel }) => kernel - message,
  'request to kernel': ({ kernel }) => kernel,
} as const satisfies Record<string, (times: Times) => number>;
export type Stage = keyof typeof STAGES;
const NAMES = Object.keys(STAGES) as readonly Stage[];

/** What a stage is compared with: so many round trips, and as many commits. */
const FLOORS: Partial<Record<Stage, number>> = { 'message to kernel': 1, 'request to kernel': 2 };

export interface Rounds {
  readonly rounds: number;
  readonly floors: { readonly roundTrip: Quantiles; readonly commit: Quantiles };
  /** The first change that this host ever had. */
  readonly first: Times;
  readonly stages: Record<Kind, Record<Stage, Quantiles>>;
}

export interface ControlReport extends Rounds {
  readonly machine: { readonly cpus: number; readonly load: readonly number[] };
}

export function stagesOf(all: readonly Times[], quantiles: (values: readonly number[]) => Quantiles) {
  const stages = NAMES.map((name) => [name, quantiles(all.map(STAGES[name]))] as const);
  return Object.fromEntries(stages) as Record<Stage, Quantiles>;
}

/** Lays a report out for people. */
export function describeControl({ rounds, floors, first, stages, machine }: ControlReport): string {
  const right = (title: string) => ({ title, align: 'right' as const });
  const plain = { width: undefined, colour: false };
  const floorMs = floors.roundTrip.p50 + floors.commit.p50;
  const floorRows = Object.entries(floors).map(([name, it]) => [name, it.p50.toFixed(2), it.p99.toFixed(2)]);
  const ratio = (stage: Stage, ms: number): string => {
    const times = FLOORS[stage];
    return times === undefined ? '' : (ms / (times * floorMs)).toFixed(2);
  };
  const rows = KINDS.flatMap((kind) =>
    NAMES.map((stage) => {
      const { p50, p99 } = stages[kind][stage];
      return [kind, stage, p50.toFixed(2), p99.toFixed(2), ratio(stage, p50)];
    }),
  );
  const firsts = NAMES.map((stage) => ['first', stage, STAGES[stage](first).toFixed(2), '', '']);
  const load = machine.load.map((one) => one.toFixed(1)).join(' ');
  return [
    `${rounds} rounds, milliseconds; ${machine.cpus} CPUs, load ${load}`,
    '',
    table([{ title: 'floor' }, right('p50'), right('p99')], floorRows, plain),
    '',
    table(
      [{ title: 'change' }, { title: 'stage' }, right('p50'), right('p99'), right('of floors')],
      [...rows, ...firsts],
      plain,
    ),
  ].join('\n');
}
