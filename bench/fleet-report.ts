import { table } from '../cli/show/table.ts';
import type { Quantiles } from './floors.ts';

/** What one run of a command took, in ms: by the clock, of the CPUs for the command, and for the controller meanwhile. */
export interface Taken {
  readonly wallMs: number;
  readonly commandMs: number;
  readonly controllerMs: number;
}

/** One redirect on every host, in ms from the request on. */
export interface Changed {
  /** Answered. */
  readonly replyMs: number;
  /** The last host has its message. */
  readonly lastMs: number;
  /** The controller has heard from every host that it stands. */
  readonly appliedMs: number;
  /** CPU of the one process that all hosts are in: as many machines would have shared it. */
  readonly hostsMs: number;
  /** CPU of the controller until the last message, and until all have applied it. */
  readonly sendsCpuMs: number;
  readonly cpuMs: number;
}

/** What a controller takes while hosts speak and nobody asks. */
export interface Rest {
  readonly seconds: number;
  readonly cpuPercent: number;
  readonly statusesPerSecond: number;
  readonly syncsPerSecond: number;
  readonly rssMiB: number;
}

export interface FleetReport {
  readonly hosts: number;
  readonly redirects: number;
  readonly busy: number;
  readonly rest: Rest;
  readonly commands: Readonly<Record<string, Taken>>;
  readonly change: Readonly<Record<keyof Changed, Quantiles>> | undefined;
  readonly floors: Readonly<Record<'trip' | 'commit' | 'spray', Quantiles>> | undefined;
  readonly messageBytes: number;
  readonly rssMiB: number;
  readonly machine: { readonly cpus: number; readonly load: readonly number[] };
}

const CHANGE: Readonly<Record<keyof Changed, string>> = {
  replyMs: 'request to reply',
  lastMs: 'request to last message',
  appliedMs: 'request to all applied, as the controller heard',
  hostsMs: 'CPU of all hosts, who share a process',
  sendsCpuMs: 'CPU of the controller to last message',
  cpuMs: 'CPU of the controller to all applied',
};

const FLOORS = { trip: 'a round trip', commit: 'a commit', spray: 'as many messages of that size, by a bare loop' };
const right = (title: string) => ({ title, align: 'right' as const });
const PLAIN = { width: undefined, colour: false };

/** Lays a report out for people. */
export function describeFleet(report: FleetReport): string {
  const { hosts, redirects, busy, rest, machine, commands, rssMiB } = report;
  const load = machine.load.map((one) => one.toFixed(1)).join(' ');
  const said = `${rest.statusesPerSecond.toFixed(0)} statuses and ${rest.syncsPerSecond.toFixed(0)} syncs a second`;
  return [
    `${hosts} hosts, ${redirects} redirects, packets meet ${busy} of them on each; ${machine.cpus} CPUs, load ${load}`,
    '',
    `controller: ${rest.cpuPercent.toFixed(1)} % of a CPU for ${rest.seconds} s of ${said},`,
    `RSS ${rest.rssMiB.toFixed(0)} MiB then, and ${rssMiB.toFixed(0)} MiB at the end`,
    ...(Object.keys(commands).length > 0 ? ['', commandTable(commands)] : []),
    ...changeTable(report),
  ].join('\n');
}

function commandTable(commands: FleetReport['commands']): string {
  const seconds = (ms: number) => (ms / 1000).toFixed(2);
  const rows = Object.entries(commands).map(([command, { wallMs, commandMs, controllerMs }]) => {
    return [command, seconds(wallMs), seconds(commandMs), seconds(controllerMs)];
  });
  const titles = [{ title: 'shunt' }, ...['seconds', 'CPU of the command', 'CPU of the controller'].map(right)];
  return table(titles, rows, PLAIN);
}

function changeTable({ change, floors, hosts, messageBytes }: FleetReport): readonly string[] {
  if (change === undefined || floors === undefined) return [];
  const row = (name: string, { p50, p99 }: Quantiles) => [name, p50.toFixed(1), p99.toFixed(1)];
  const keys = Object.keys(CHANGE) as readonly (keyof Changed)[];
  const rows = [
    ...keys.map((key) => row(CHANGE[key], change[key])),
    ...(['trip', 'commit', 'spray'] as const).map((key) => row(`floor: ${FLOORS[key]}`, floors[key])),
  ];
  const title = `one redirect more, on each of ${hosts} hosts, ${messageBytes} bytes`;
  return ['', table([{ title }, right('p50 ms'), right('p99 ms')], rows, PLAIN)];
}
