import { table } from '../cli/show/table.ts';

/** Sizes are in bytes. `commits` counts the agent's transactions that changed its desired state. */
export interface Report {
  readonly redirects: number;
  readonly slots: number;
  readonly installed: number;
  readonly waiting: number;
  /** The codes of the exceptions that status lists, each once. */
  readonly codes: readonly string[];
  /** Keys read by bpftool, and how they differ from those of the files. */
  readonly kernel: { readonly keys: number; readonly missing: number; readonly foreign: number };
  readonly keysAfterDelete: number;
  readonly phases: readonly Phase[];
  readonly memory: readonly Memory[];
  readonly databases: readonly { readonly name: string; readonly full: number; readonly emptied: number }[];
  readonly machine: { readonly cpus: number; readonly load: readonly number[] };
}

/** `commandSeconds` until the last command ended; `seconds` until the kernel and status said the same. */
export interface Phase {
  readonly phase: 'apply' | 'delete';
  readonly commands: number;
  readonly commandSeconds: number;
  readonly seconds: number;
  readonly commits: number;
}

export interface Memory {
  readonly process: string;
  readonly when: string;
  readonly rss: number;
  readonly anon: number;
  readonly peak: number;
}

export function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** Lays a report out for people. */
export function describe(report: Report): string {
  const { redirects, slots, installed, waiting, codes, kernel, keysAfterDelete, machine } = report;
  const titles = (...names: readonly string[]) => names.map((title) => ({ title, align: 'right' as const }));
  const rate = (seconds: number) => `${Math.round(redirects / seconds)}/s`;
  const phases = report.phases.map(({ phase, commands, commandSeconds, seconds, commits }) => {
    const timed = (until: number) => [until.toFixed(1), rate(until)];
    return [phase, `${commands}`, ...timed(commandSeconds), ...timed(seconds), `${commits}`];
  });
  const memory = report.memory.map(({ process, when, ...sizes }) => {
    return [process, when, mib(sizes.rss), mib(sizes.anon), mib(sizes.peak)];
  });
  const databases = report.databases.map(({ name, full, emptied }) => [name, mib(full), mib(emptied)]);
  const plain = { width: undefined, colour: false };
  const word = { title: 'phase' };
  return [
    `${redirects} redirects, ${slots} slots: ${installed} installed, ${waiting} waiting ${codes.join(' ')}`.trimEnd(),
    `keys in the kernel ${kernel.keys}, missing ${kernel.missing}, foreign ${kernel.foreign}; after delete ${keysAfterDelete}`,
    `${machine.cpus} CPUs, load ${machine.load.map((one) => one.toFixed(1)).join(' ')}`,
    '',
    table([word, ...titles('commands', 'they took s', 'rate', 'in effect s', 'rate', 'commits')], phases, plain),
    '',
    table([{ title: 'process' }, { title: 'when' }, ...titles('rss', 'anon', 'peak rss')], memory, plain),
    '',
    table([{ title: 'database' }, ...titles('full', 'emptied')], databases, plain),
  ].join('\n');
}
