import { table } from '../cli/show/table.ts';
import type { Standstill } from './watched.ts';

/** What became of redirects that fell silent at once. */
export interface IdleReport {
  readonly redirects: number;
  /** What the agent's status says in the end. */
  readonly idle: number;
  readonly installed: number;
  /** In the kernel's map, in the end. */
  readonly keys: number;
  /** From when silence was long enough until the first of them, and all, were gone. */
  readonly firstSeconds: number;
  readonly lastSeconds: number;
  readonly cpuSeconds: number;
  /** Of the agent's event loop, at most; of that, the time that its thread ran. */
  readonly standstill: Standstill;
  /** `sums`: those that stand for many. `redirects`: of how many it was told that they are idle. */
  readonly events: {
    readonly told: number;
    readonly mostWithinASecond: number;
    readonly sums: number;
    readonly redirects: number;
  };
  /** Of the redirect that was not silent. */
  readonly packets: { readonly sent: number; readonly lost: number };
  readonly machine: { readonly cpus: number; readonly load: readonly number[] };
}

/** Lays a report out for people. */
export function describeIdle(report: IdleReport): string {
  const { redirects, idle, installed, keys, events, standstill, packets, machine } = report;
  const seconds = (value: number) => `${value.toFixed(1)} s`;
  const rows = [
    [
      'redirects that fell silent, idle, still installed, keys in the kernel',
      `${redirects}, ${idle}, ${installed}, ${keys}`,
    ],
    ['until the first was gone, and all', `${seconds(report.firstSeconds)}, ${seconds(report.lastSeconds)}`],
    ['events, of them sums, the most within a second', `${events.told}, ${events.sums}, ${events.mostWithinASecond}`],
    ["the agent's CPU time", seconds(report.cpuSeconds)],
    ["the agent's loop stood still at most", `${standstill.longestMs.toFixed(0)} ms`],
    ['  of that its thread ran at most', `${standstill.longestCpuMs.toFixed(0)} ms`],
    ['packets to what was not silent, lost', `${packets.sent}, ${packets.lost}`],
    ['CPUs, load', `${machine.cpus}, ${machine.load.map((one) => one.toFixed(1)).join(' ')}`],
  ];
  return table([{ title: 'what' }, { title: 'measured' }], rows, { width: undefined, colour: false });
}
