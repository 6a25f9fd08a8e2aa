/** Processes that say how long their event loops stood still: what they run is run with `loop-watch.ts` before it. */
import type { Running } from '../test/support/process.ts';
import { ROOT } from '../test/support/testbed.ts';
import { cpuMsOf } from './proc.ts';

const PATIENCE_MS = 60_000;
/** Where a process sees this checkout: `tools/as-nobody` has it elsewhere. */
const SEEN_AT = { root: ROOT, nobody: '/mnt/checkout' } as const;

/** How long a loop stood still at most; of that, how long its thread ran. */
export interface Standstill {
  readonly longestMs: number;
  readonly longestCpuMs: number;
}

/** What a process had taken at one moment, and how its loop stood since the last look. */
export interface Taken {
  readonly cpuSeconds: number;
  readonly standstill: Standstill;
}

/** A command whose loop is watched; with a folder, its CPU profile is written there when it ends. */
export function watchedCommand(as: keyof typeof SEEN_AT, argv: readonly string[], profiles?: string): string[] {
  const profiling = profiles === undefined ? [] : profilingTo(profiles);
  return withOptions([`--import=${SEEN_AT[as]}/bench/loop-watch.ts`, ...profiling], argv);
}

/** A command whose CPU profile is written into a folder when it ends. */
export function profiledCommand(argv: readonly string[], profiles: string): string[] {
  return withOptions(profilingTo(profiles), argv);
}

function profilingTo(folder: string): string[] {
  return ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

function withOptions(options: readonly string[], argv: readonly string[]): string[] {
  return ['env', `NODE_OPTIONS=${options.join(' ')}`, ...argv];
}

export async function takenBy(running: Running): Promise<Taken> {
  const { longestMs, longestCpuMs } = await standstillOf(running);
  return { cpuSeconds: cpuMsOf(running.pid) / 1000, standstill: { longestMs, longestCpuMs } };
}

/** How its loop stood since the last look, and when it began, as its clock says. */
export async function standstillOf(running: Running): Promise<Standstill & { readonly originMs: number }> {
  const { lines } = running;
  const before = lines.length;
  running.signal('SIGUSR2');
  const said = await running.until('says how long it stood still', PATIENCE_MS, () =>
    lines.slice(before).find((line) => line.startsWith('{"standstill"')),
  );
  return (JSON.parse(said) as { readonly standstill: Standstill & { readonly originMs: number } }).standstill;
}
