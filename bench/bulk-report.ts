import { table } from '../cli/show/table.ts';
import type { Status } from '../protocol/status.ts';
import type { Compared } from './bulk-files.ts';
import { type Quantiles, quantiles } from './floors.ts';
import { profileTable, type Taker } from './profile.ts';
import type { Taken } from './watched.ts';

/** How far an agent says that it is. */
export interface Far extends Pick<Status, 'stored' | 'applied' | 'counts'> {
  /** The codes of the exceptions that status lists, each once. */
  readonly codes: readonly string[];
}

export const DAEMONS = ['agent', 'controller'] as const;
export type Daemon = (typeof DAEMONS)[number];
export const VERBS = ['apply', 'delete'] as const;
export type Verb = (typeof VERBS)[number];

/** Sizes are in bytes. */
export interface Report {
  readonly redirects: number;
  readonly slots: number;
  readonly floors: Floors;
  readonly rounds: readonly Round[];
  readonly memory: readonly Memory[];
  readonly databases: readonly { readonly name: string; readonly full: number; readonly emptied: number }[];
  readonly profiles?: Profiles;
  readonly machine: { readonly cpus: number; readonly load: readonly number[] };
}

export type Profiles = Readonly<Record<Daemon, readonly Taker[]>>;

/** Milliseconds; `fill` is a map as large, filled by UPDATE_BATCH alone. */
export interface Floors {
  readonly roundTrip: Quantiles;
  readonly commit: Quantiles;
  readonly fill: number;
}

/** All of them in, and out again. */
export interface Round {
  readonly installed: number;
  readonly waiting: number;
  readonly codes: readonly string[];
  readonly kernel: Compared;
  readonly keysAfterDelete: number;
  readonly phases: Record<Verb, Phase>;
}

/**
 * `commandSeconds` until the last command ended; `seconds` until the agent said that all is applied. `commits` counts the
 * agent's transactions that changed its desired state; `taken` is what agent and controller took for it, until all was quiet.
 */
export interface Phase {
  readonly commands: number;
  readonly commandSeconds: number;
  readonly seconds: number;
  readonly commits: number;
  readonly taken: Record<Daemon, Taken>;
}

export interface Memory {
  readonly process: Daemon;
  readonly when: string;
  readonly rss: number;
  readonly anon: number;
  readonly peak: number;
}

export function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

const right = (title: string) => ({ title, align: 'right' as const });
const PLAIN = { width: undefined, colour: false };

/** Lays a report out for people: medians of the rounds, and the longest standstill of all. */
export function describe(report: Report): string {
  const { redirects, slots, rounds, machine } = report;
  const wrong = rounds.filter((round) => !isWhole(round, redirects)).length;
  const load = machine.load.map((one) => one.toFixed(1)).join(' ');
  const waiting = rounds.map((round) => `${round.waiting} ${round.codes.join(' ')}`.trim());
  return [
    `${redirects} redirects, ${slots} slots, ${rounds.length} rounds; waiting ${waiting.join(', ')}`,
    wrong === 0
      ? 'the keys in the kernel are those of the files, and none after delete'
      : `KEYS DIFFER in ${wrong} rounds`,
    `${machine.cpus} CPUs, load ${load}`,
    '',
    floorTable(report.floors),
    '',
    phaseTable(report),
    '',
    takenTable(rounds),
    '',
    memoryTable(report.memory),
    '',
    table(
      [{ title: 'database' }, right('full'), right('emptied')],
      report.databases.map(({ name, full, emptied }) => [name, mib(full), mib(emptied)]),
      PLAIN,
    ),
    ...(report.profiles === undefined ? [] : ['', profileTable('process', report.profiles)]),
  ].join('\n');
}

/** Whether the kernel had what it should, and nothing in the end. */
export function isWhole({ kernel, installed, waiting, keysAfterDelete }: Round, redirects: number): boolean {
  const equal = kernel.foreign === 0 && kernel.missing === waiting && kernel.keys === installed;
  return equal && installed + waiting === redirects && keysAfterDelete === 0;
}

function floorTable({ roundTrip, commit, fill }: Floors): string {
  const row = (name: string, { p50, p99 }: Quantiles) => [name, p50.toFixed(2), p99.toFixed(2)];
  const rows = [row('round trip', roundTrip), row('commit', commit), ['all by UPDATE_BATCH', fill.toFixed(1), '']];
  return table([{ title: 'floor, ms' }, right('p50'), right('p99')], rows, PLAIN);
}

function phaseTable({ redirects, rounds, floors }: Report): string {
  const rows = VERBS.map((verb) => {
    const phases = rounds.map((round) => round.phases[verb]);
    const middle = (of: (phase: Phase) => number) => quantiles(phases.map(of)).p50;
    const [command, all] = [middle((it) => it.commandSeconds), middle((it) => it.seconds)];
    const timed = (seconds: number) => [seconds.toFixed(1), `${Math.round(redirects / seconds)}/s`];
    const ofFloor = ((all * 1000) / floors.fill).toFixed(0);
    return [verb, `${phases[0]?.commands}`, ...timed(command), ...timed(all), ofFloor, `${middle((it) => it.commits)}`];
  });
  const titles = ['commands', 'they took s', 'rate', 'applied s', 'rate', 'of UPDATE_BATCH', 'commits'];
  return table([{ title: 'phase' }, ...titles.map(right)], rows, PLAIN);
}

function takenTable(rounds: readonly Round[]): string {
  const rows = VERBS.flatMap((verb) =>
    DAEMONS.map((daemon) => {
      const taken = rounds.map((round) => round.phases[verb].taken[daemon]);
      const most = (of: (it: Taken) => number) => Math.max(...taken.map(of)).toFixed(0);
      const cpu = quantiles(taken.map((it) => it.cpuSeconds)).p50.toFixed(1);
      return [verb, daemon, cpu, most((it) => it.standstill.longestMs), most((it) => it.standstill.longestCpuMs)];
    }),
  );
  const titles = ['CPU s', 'loop stood still ms', 'its thread ran ms'];
  return table([{ title: 'phase' }, { title: 'process' }, ...titles.map(right)], rows, PLAIN);
}

function memoryTable(memory: readonly Memory[]): string {
  const rows = memory.map(({ process, when, ...sizes }) => {
    return [process, when, mib(sizes.rss), mib(sizes.anon), mib(sizes.peak)];
  });
  return table([{ title: 'process' }, { title: 'when' }, ...['rss', 'anon', 'peak rss'].map(right)], rows, PLAIN);
}
