import { table } from '../cli/show/table.ts';
import { profileTable, type Taker } from './profile.ts';
import type { Standstill } from './watched.ts';

/** One start, from its exec until what is stored stands in the kernel. */
export interface Round {
  readonly wholeMs: number;
  readonly startCpuMs: number;
  readonly start: Standstill;
  /** Some seconds later. */
  readonly rssBytes: number;
  /** Every entry of the kernel by LOOKUP_BATCH, and every row of the store. */
  readonly floors: { readonly dumpMs: number; readonly rowsMs: number };
}

/** Medians of the rounds. */
export interface RestartReport extends Round {
  readonly redirects: number;
  readonly rounds: number;
  /** In the kernel, after all of them. */
  readonly keys: number;
  /** Left alone, with a drift check in it. */
  readonly idle: Standstill & { readonly seconds: number; readonly cpuShare: number; readonly rssBytes: number };
  /** While silence is looked for among all of them. */
  readonly sweep: Standstill;
  /** Where they are asked for: what took an agent most until all stood, and when it is left alone. */
  readonly profiles?: Readonly<Record<'start' | 'idle', readonly Taker[]>>;
  readonly machine: { readonly cpus: number; readonly load: readonly number[] };
}

/** Lays a report out for people. */
export function describeRestart(report: RestartReport): string {
  const { redirects, rounds, keys, wholeMs, startCpuMs, start, idle, sweep, floors, machine } = report;
  const ms = (value: number): string => value.toFixed(value < 100 ? 1 : 0);
  const still = ({ longestMs, longestCpuMs }: Standstill): string => `${ms(longestMs)} (${ms(longestCpuMs)})`;
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  const rows = [
    ['floor: every entry of the kernel by LOOKUP_BATCH, ms', ms(floors.dumpMs)],
    ['floor: every row of the store, ms', ms(floors.rowsMs)],
    ['from exec until all stand, ms', ms(wholeMs)],
    ['  of both floors', (wholeMs / (floors.dumpMs + floors.rowsMs)).toFixed(1)],
    ['  CPU time, ms', ms(startCpuMs)],
    ['the loop stood still at most (its thread ran): start, ms', still(start)],
    [`  ${idle.seconds} s with drift checks, ms`, still(idle)],
    ['  a look for silence, ms', still(sweep)],
    [`CPU when idle, % of one`, (idle.cpuShare * 100).toFixed(2)],
    ['RSS after the start, and after that, MiB', `${mib(report.rssBytes)}, ${mib(idle.rssBytes)}`],
  ];
  return [
    `${redirects} redirects, ${keys} keys in the kernel, medians of ${rounds} starts`,
    `${machine.cpus} CPUs, load ${machine.load.map((one) => one.toFixed(1)).join(' ')}`,
    '',
    table([{ title: 'what' }, { title: 'measured', align: 'right' }], rows, { width: undefined, colour: false }),
    ...(report.profiles === undefined ? [] : ['', profileTable('when', report.profiles)]),
  ].join('\n');
}
